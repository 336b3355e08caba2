/** What every method of the stage `initialize` gives: an encoder, and what is to be said of it. */
import type { Network } from "../../model/network.ts";
import type { Weights } from "../../model/weights.ts";
import type { ModelChoice } from "../../spec/params/params-model.ts";
import type { StageContext } from "../stage.ts";

export type Initialized = {
  readonly network: Network;
  /** With batch-norm statistics, wherever there is batch norm; more than the encoder's may be among them. */
  readonly weights: Weights;
  /** Id of the dataset whose statistics it has, or what stands for the file that it came from. */
  readonly dataset: string;
  readonly metrics: Readonly<Record<string, number>>;
};

export type Method = (
  context: StageContext<"initialize">,
) => Promise<Initialized>;

/** The network that the parameters name: the spec has seen to it that a method which needs one has one. */
export function modelOf({
  model,
}: StageContext<"initialize">["params"]): ModelChoice {
  if (model === undefined) throw new Error("the parameters name no model");
  return model;
}
