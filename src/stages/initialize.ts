/**
 * The stage `initialize`: an encoder that has learned nothing. Its batch-norm statistics are measured like those of a
 * pretrained one, so that the two differ in their weights alone: unmeasured, random weights would do far worse and flatter
 * whatever they are compared with.
 */
import { GRAY_MEAN } from "../data/pixels/color.ts";
import { openDataset } from "../data/dataset.ts";
import { encoderDeclarations } from "../model/encoder-weights.ts";
import { networks } from "../model/networks.ts";
import { createWeights, parameterCount } from "../model/weights.ts";
import { measureStatistics } from "../train/jobs/statistics.ts";
import { firstImages, inputOf, openStageEngine } from "./_context.ts";
import {
  encodeModelDescription,
  encodeWeights,
  ENCODER_FILE,
  MODEL_FILE,
} from "./_model-files.ts";
import type { RunStage } from "./stage.ts";

export const runInitialize: RunStage<"initialize"> = async (context) => {
  const { params, output, store, seed } = context;
  const network = networks[params.model];
  const declarations = encoderDeclarations(network);
  const { manifest } = inputOf(context, "data");
  const { images } = params.statistics;
  const dataset = await openDataset(store, manifest, {
    limit: images,
    side: params.side,
  });
  const weights = await measureStatistics({
    engine: openStageEngine(context.engine),
    network,
    weights: createWeights(declarations, seed),
    images: firstImages(dataset, images),
  });
  await output.write(ENCODER_FILE, encodeWeights(weights));
  await output.write(
    MODEL_FILE,
    encodeModelDescription({
      kind: "encoder",
      version: 1,
      network: params.model,
      grayMean: GRAY_MEAN,
      dataset: dataset.id,
    }),
  );
  context.progress({ step: 1, steps: 1, detail: "statistics measured" });
  return { metrics: { parameters: parameterCount(declarations) } };
};
