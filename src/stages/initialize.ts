/**
 * The stage `initialize`: an encoder that has learned nothing. Its batch-norm statistics are measured like those of a
 * pretrained one, so that the two differ in their weights alone: unmeasured, random weights would do far worse and flatter
 * whatever they are compared with.
 */
import { GRAY_MEAN } from "../data/pixels/color.ts";
import { encoderDeclarations } from "../model/encoder-weights.ts";
import { networkOf } from "../model/networks.ts";
import { createWeights, parameterCount } from "../model/weights.ts";
import { openStageEngine } from "./_context.ts";
import { openStageImages } from "./_images.ts";
import {
  encodeModelDescription,
  encodeWeights,
  ENCODER_FILE,
  MODEL_FILE,
} from "./_model-files.ts";
import { measureOnFirst } from "./_statistics.ts";
import type { RunStage } from "./stage.ts";

export const runInitialize: RunStage<"initialize"> = async (context) => {
  const { params, output, seed } = context;
  const network = networkOf(params.model);
  const declarations = encoderDeclarations(network);
  const limit = params.statistics.images;
  const images = await openStageImages(context, {
    ...params,
    limit,
    recipe: "pretraining",
  });
  const weights = await measureOnFirst(images, limit, {
    engine: openStageEngine(context.engine),
    network,
    weights: createWeights(declarations, seed),
  });
  await output.write(ENCODER_FILE, encodeWeights(weights));
  await output.write(
    MODEL_FILE,
    encodeModelDescription({
      kind: "encoder",
      version: 1,
      network: params.model,
      grayMean: GRAY_MEAN,
      dataset: images.id,
    }),
  );
  context.progress({ step: 1, steps: 1, detail: "statistics measured" });
  return { metrics: { parameters: parameterCount(declarations) } };
};
