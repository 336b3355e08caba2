/**
 * The stage `convert`: weights of the same function in another form. Batch norm is folded first, then padding is changed, so that
 * layers are rebalanced on the maps that they will have, and the first convolution gets its channels last.
 */
import { UserError } from "../base/errors.ts";
import {
  convertInput,
  rebalance,
  whyNotRebalanced,
  withInput,
  withMode,
} from "../model/convert.ts";
import { foldStatistics, isFolded } from "../model/encoder-weights.ts";
import type { Network } from "../model/network.ts";
import { networkOf } from "../model/networks.ts";
import type { Weights } from "../model/weights.ts";
import { modelOptionsOf } from "../spec/params/params-model.ts";
import { measureSecondMoments } from "../train/jobs/second-moments.ts";
import { inputOf, openStageEngine } from "./_context.ts";
import { openStageImages } from "./_images.ts";
import {
  encodeModelDescription,
  encodeWeights,
  ENCODER_FILE,
  MODEL_FILE,
  openModelFiles,
  readEncoder,
  readModelDescription,
} from "./_model-files.ts";
import { withFirstImages } from "./_statistics.ts";
import type { RunStage, StageContext } from "./stage.ts";

type Convert = StageContext<"convert">;

export const runConvert: RunStage<"convert"> = async (context) => {
  const { params, output, store } = context;
  const files = openModelFiles(store, inputOf(context, "weights").manifest);
  const { grayMean, dataset } = await readModelDescription(files);
  const { network: given, weights } = await readEncoder(files);
  const network = params.mode ? inMode(given, params.mode) : given;
  const folded = params.fold ? foldStatistics(network, weights) : weights;
  const balanced = params.rebalance
    ? await rebalanceOn(context, network, folded, params.rebalance.images)
    : folded;
  const { input } = params;
  const converted = input ? convertInput(network, balanced, input) : balanced;
  await output.write(ENCODER_FILE, encodeWeights(converted));
  await output.write(
    MODEL_FILE,
    encodeModelDescription({
      kind: "encoder",
      version: 1,
      network: input ? withInput(network.model, input) : network.model,
      grayMean,
      dataset,
    }),
  );
  context.progress({ step: 1, steps: 1, detail: "weights converted" });
  return { metrics: { tensors: converted.size } };
};

/** @throws UserError `convert.mode` for a network that is the same in both. */
function inMode(
  network: Network,
  mode: NonNullable<Convert["params"]["mode"]>,
): Network {
  const changed = withMode(network.model, mode);
  if (changed) return networkOf(changed);
  const { network: name } = modelOptionsOf(network.model);
  throw new UserError({
    code: "convert.mode",
    message: `expected a network with fully connected layers, found ${name}, which has none`,
    hint: "leave `mode` out: it is convolutional as it is",
  });
}

async function rebalanceOn(
  context: Convert,
  network: Network,
  weights: Weights,
  count: number,
): Promise<Weights> {
  const problem = isFolded(network, weights)
    ? whyNotRebalanced(network)
    : "its batch norm has not been folded";
  if (problem !== null)
    throw new UserError({
      code: "convert.rebalance",
      message: `the network cannot be rebalanced: ${problem}`,
      hint: "fold: true folds batch norm first; residual networks keep theirs",
    });
  if ((context.inputs["data"] ?? []).length === 0)
    throw new UserError({
      code: "convert.no-data",
      message: "rebalance measures activations and has no images",
      hint: "give the stage an input `data`",
    });
  const images = await openStageImages(context, {
    ...context.params,
    limit: count,
    recipe: "pretraining",
  });
  const engine = openStageEngine(context.engine);
  const input = network.inputChannels === 1 ? "gray" : "rgb";
  const moments = await withFirstImages(images, { count, input }, (parts) =>
    measureSecondMoments({ engine, network, weights, images: parts }),
  );
  const silent = [...moments].find(([, moment]) => !(moment > 0));
  if (silent)
    throw new UserError({
      code: "convert.silent-layer",
      message: `layer '${silent[0]}' puts out nothing but zeros on these images`,
      hint: "take other images, or weights that are alive",
    });
  return rebalance(network, weights, moments);
}
