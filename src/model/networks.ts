/** Every network that a pipeline can name. A new one is one more declaration; the compiler asks for its entry here. */
import {
  modelOptionsOf,
  type ModelChoice,
  type ModelName,
  type ModelOptions,
  type OptionsOf,
} from "../spec/params/params-model.ts";
import type { Network } from "./network.ts";
import { alexnet } from "./networks/alexnet.ts";
import { conv6 } from "./networks/conv6.ts";
import { resnet } from "./networks/resnet.ts";
import { vgg16 } from "./networks/vgg16.ts";

type Declare<O> = (options: O, model: ModelChoice) => Network;

const networks: { readonly [N in ModelName]: Declare<OptionsOf<N>> } = {
  conv6,
  alexnet,
  vgg16,
  resnet50: resnet,
  resnet101: resnet,
  resnet152: resnet,
};

/** The declaration of the network that a pipeline file or `model.json` names. */
export function networkOf(model: ModelChoice): Network {
  const options = modelOptionsOf(model);
  const declare = networks[options.network] as Declare<ModelOptions>;
  return declare(options, model);
}
