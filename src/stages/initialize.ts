/**
 * The stage `initialize`: an encoder that has learned nothing here, by one of several methods. What all of them write is the same
 * files as a pretraining's, so that whoever starts from it need not know which it was.
 */
import { GRAY_MEAN } from "../data/pixels/color.ts";
import { encoderDeclarations, isFolded } from "../model/encoder-weights.ts";
import { parameterCount } from "../model/weights.ts";
import type { InitializeMethod } from "../spec/params/params-initialize.ts";
import {
  encodeModelDescription,
  encodeWeights,
  ENCODER_FILE,
  MODEL_FILE,
} from "./_model-files.ts";
import { dataDependent } from "./initialize/_data-dependent.ts";
import { imported } from "./initialize/_imported.ts";
import type { Method } from "./initialize/_method.ts";
import { random } from "./initialize/_random.ts";
import type { RunStage } from "./stage.ts";

/** A method is one file and one entry. */
const methods: Readonly<Record<InitializeMethod, Method>> = {
  random,
  "data-dependent": dataDependent,
  imported,
};

export const runInitialize: RunStage<"initialize"> = async (context) => {
  const { params, output } = context;
  const { network, weights, dataset, metrics } =
    await methods[params.method](context);
  await output.write(ENCODER_FILE, encodeWeights(weights));
  await output.write(
    MODEL_FILE,
    encodeModelDescription({
      kind: "encoder",
      version: 1,
      network: network.model,
      grayMean: GRAY_MEAN,
      dataset,
    }),
  );
  context.progress({ step: 1, steps: 1, detail: `weights: ${params.method}` });
  const form = isFolded(network, weights) ? "folded" : "normalized";
  const parameters = parameterCount(encoderDeclarations(network, form));
  return { metrics: { parameters, ...metrics } };
};
