/**
 * The stage `compare`: how far the features of an encoder shifted while it was fine-tuned (paper, Fig. 3): the correlation of each channel
 * before and after on the same images, and its median and quartiles by layer.
 */
import { UserError } from "../base/errors.ts";
import { createGrayBatches } from "../data/batches/gray-batches.ts";
import { networkInputs, type NetworkInput } from "../data/pixels/color.ts";
import type { ImageSet } from "../data/images/image-set.ts";
import { geometryOf, INPUT, type Network } from "../model/network.ts";
import {
  createFeatureShift,
  type FeatureShift,
} from "../train/jobs/feature-shift.ts";
import { imagesAtOnce } from "../train/jobs/gray-images.ts";
import { quartilesOf } from "../train/scores/correlation.ts";
import { inputOf, openStageEngine, stopIfAborted } from "./_context.ts";
import { toCsv } from "./_csv.ts";
import { openStageImages } from "./_images.ts";
import {
  FINETUNED_FILE,
  openModelFiles,
  readEncoder,
  readEncoderWeights,
  readModelDescription,
} from "./_model-files.ts";
import type { RunStage, StageContext } from "./stage.ts";

type Compare = StageContext<"compare">;

/** Metrics: `median`, `lowerQuartile`, `upperQuartile` over all channels, and `median/<layer>` …; `silent` channels have none. */
export const runCompare: RunStage<"compare"> = async (context) => {
  const { params, output } = context;
  const { network, before, after, input } = await readBoth(context);
  const images = await openStageImages(context, {
    ...params,
    limit: params.images,
    mirror: params.crop?.mirror ?? false,
    recipe: "measuring",
  });
  const { width, height } = images.imageSize;
  const fitting = imagesAtOnce(images.imageSize);
  const batch = Math.min(params.batch, images.size, fitting);
  const shift = await createFeatureShift({
    engine: openStageEngine(context.engine),
    network,
    weights: { before, after },
    layers: layersOf(
      network,
      params.layers === undefined ? undefined : [params.layers].flat(),
    ),
    shape: [batch, height, width, networkInputs[input].channels],
  });
  const correlations = await (async () => {
    try {
      await addAll(context, shift, { images, batch, input });
      return shift.correlations();
    } finally {
      await shift.close();
    }
  })();
  await output.write(
    "shift.csv",
    toCsv([
      ["layer", "channel", "correlation"],
      ...[...correlations].flatMap(([layer, channels]) =>
        channels.map((r, channel) => [layer, channel, r ?? ""]),
      ),
    ]),
  );
  return { metrics: { ...summarize(correlations), images: images.size } };
};

/** Weights and the model that came of them, which must be of one network. */
async function readBoth(context: Compare) {
  const { store } = context;
  const { network, weights: before } = await readEncoder(
    openModelFiles(store, inputOf(context, "weights").manifest),
  );
  const files = openModelFiles(store, inputOf(context, "model").manifest);
  const model = await readModelDescription(files);
  if (!("task" in model))
    throw new UserError({
      code: "model.kind",
      message: `expected a model of a finetune stage; found one of kind '${model.kind}'`,
      hint: "give the weights before fine-tuning as `weights`, and the fine-tuned model as `model`",
    });
  if (JSON.stringify(model.network) !== JSON.stringify(network.model))
    throw new UserError({
      code: "compare.networks",
      message: `the weights are of ${JSON.stringify(network.model)}, the model is of ${JSON.stringify(model.network)}`,
      hint: "compare a model with the weights that its fine-tuning started from",
    });
  const after = await readEncoderWeights(files, FINETUNED_FILE, network);
  return { network, before, after, input: model.input };
}

function layersOf(
  network: Network,
  wanted: readonly string[] | undefined,
): readonly string[] {
  const known = geometryOf(network).map(({ name }) => name);
  const unknown = wanted?.find((name) => !known.includes(name));
  if (unknown === undefined)
    return wanted ?? known.filter((name) => name !== INPUT);
  throw new UserError({
    code: "compare.unknown-layer",
    message: `expected layers that a hypercolumn reads; found '${unknown}'`,
    hint: `they are ${known.join(", ")}`,
  });
}

async function addAll(
  context: Compare,
  shift: FeatureShift,
  given: {
    readonly images: ImageSet;
    readonly batch: number;
    readonly input: NetworkInput;
  },
): Promise<void> {
  const { images, batch, input } = given;
  const { imageSize, size, views } = images;
  const toBatch = createGrayBatches({
    imageSize,
    batch,
    seed: 0,
    shift: 0,
    input,
  });
  let done = 0;
  for await (const some of images.measure({ batch })) {
    stopIfAborted(context);
    await shift.add(toBatch(some).gray, some.counted);
    done += some.counted;
    context.progress({
      step: done,
      steps: size * views,
      detail: "images compared",
    });
  }
}

function summarize(
  correlations: ReadonlyMap<string, readonly (number | null)[]>,
): Readonly<Record<string, number>> {
  const all = [...correlations.values()].flat();
  const heard = (channels: readonly (number | null)[]) =>
    channels.filter((r) => r !== null);
  const byLayer = [...correlations].flatMap(([layer, channels]) =>
    Object.entries(quartilesOf(heard(channels)) ?? {}).map(
      ([name, value]) => [`${name}/${layer}`, value] as const,
    ),
  );
  return {
    ...quartilesOf(heard(all)),
    ...Object.fromEntries(byLayer),
    channels: all.length,
    silent: all.length - heard(all).length,
  };
}
