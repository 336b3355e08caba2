/**
 * Random first weights. Their batch-norm statistics are measured like those of a pretrained encoder, so that the two differ in
 * their weights alone: unmeasured, random weights would do far worse and flatter whatever they are compared with.
 */
import { encoderDeclarations } from "../../model/encoder-weights.ts";
import { networkOf } from "../../model/networks.ts";
import { createWeights } from "../../model/weights.ts";
import { openStageEngine } from "../_context.ts";
import { openStageImages } from "../_images.ts";
import { measureOnFirst } from "../_statistics.ts";
import { modelOf, type Method } from "./_method.ts";

export const random: Method = async (context) => {
  const { params, seed } = context;
  const network = networkOf(modelOf(params));
  const limit = params.statistics.images;
  const images = await openStageImages(context, {
    ...params,
    limit,
    recipe: "pretraining",
  });
  const weights = await measureOnFirst(images, limit, {
    engine: openStageEngine(context.engine),
    network,
    weights: createWeights(encoderDeclarations(network), seed),
  });
  return { network, weights, dataset: images.id, metrics: {} };
};
