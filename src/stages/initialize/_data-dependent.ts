/**
 * First weights by clustering what images look like to each layer, in colours where the network reads them. Batch-norm statistics, where there are any, are measured at the
 * end, like those of the other methods.
 */
import { networkOf } from "../../model/networks.ts";
import { standardClustering } from "../../spec/params/params-initialize.ts";
import { createDataDependentWeights } from "../../train/initialize/data-dependent.ts";
import { openStageEngine } from "../_context.ts";
import { openStageImages } from "../_images.ts";
import { measureOnFirst, withFirstImages } from "../_statistics.ts";
import { modelOf, type Method } from "./_method.ts";

export const dataDependent: Method = async (context) => {
  const { params, seed, signal } = context;
  const network = networkOf(modelOf(params));
  const settings = params.clustering ?? standardClustering;
  const { images: measured } = params.statistics;
  const images = await openStageImages(context, {
    ...params,
    limit: Math.max(measured, settings.images),
    recipe: "pretraining",
  });
  const engine = openStageEngine(context.engine);
  const input = network.inputChannels === 1 ? "gray" : "rgb";
  const { weights, clustered } = await withFirstImages(
    images,
    { count: settings.images, input },
    (patches) =>
      withFirstImages(images, { count: measured, input }, (statistics) =>
        createDataDependentWeights({
          engine,
          network,
          settings,
          seed,
          images: { patches, statistics },
          signal,
          progress: (done, all) => {
            context.progress({
              step: done,
              steps: all,
              detail: "layers initialized",
            });
          },
        }),
      ),
  );
  const model = { engine, network, weights, input } as const;
  return {
    network,
    weights: await measureOnFirst(images, measured, model),
    dataset: images.id,
    metrics: { clustered },
  };
};
