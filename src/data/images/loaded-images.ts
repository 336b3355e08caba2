/**
 * Images of a dataset in a store, cropped by the loader while training: photographs of any size, never all in memory.
 *
 * A measurement reads what a training reads, in the order of one: each epoch has every sample once, so the first `views`
 * epochs are what is wanted, and what the last batch holds of the epoch behind them does not count.
 */
import { UserError } from "../../base/errors.ts";
import type { Manifest } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";
import { findDatasetFiles } from "../dataset-files.ts";
import type { Crop, Loader, LoaderOptions } from "../loader/loader.ts";
import { openLoader } from "../loader/open-loader.ts";
import { DECODER } from "../crops/crop-sample.ts";
import { createTrainingOrder } from "../order/create-training-order.ts";
import { toOrderState } from "../order/order-state.ts";
import type { TrainingOrder } from "../order/training-order.ts";
import { openSampleTable } from "../shards/sample-table.ts";
import { sampleName } from "../shards/shard-index.ts";
import type {
  ImageSet,
  MeasuringImages,
  MeasuringOptions,
} from "./image-set.ts";

export type LoadedImagesOptions = {
  /** Take part: the first samples, or all. */
  readonly limit?: number | undefined;
  /** Of what is measured; a training has its own. */
  readonly seed: number;
  readonly training: Crop;
  readonly measuring: Crop;
  readonly views: number;
  readonly workers: number;
  readonly maxBytes: number;
  readonly cache: LoaderOptions["cache"];
  readonly signal: AbortSignal;
};

/** @throws what `openSampleTable` throws; `data.empty`. */
export async function openLoadedImages(
  store: Store,
  manifest: Manifest,
  options: LoadedImagesOptions,
): Promise<ImageSet> {
  const { catalog } = await findDatasetFiles(store, manifest);
  const limit = options.limit;
  const dataset = await openSampleTable(store, manifest, { limit });
  const { table } = dataset;
  if (table.size === 0) throw emptyDataset(catalog.quarantine.length);
  const { side } = options.training;
  const orderOf = ({ seed, samples }: OpenOptions): TrainingOrder =>
    createTrainingOrder({
      table,
      seed,
      ...(samples ? { samples: samples.toSorted() } : {}),
    });
  const open = (own: OpenOptions, order: TrainingOrder): Promise<Loader> =>
    openLoader({
      ...own,
      storeUrl: store.url,
      table,
      shardPaths: dataset.shardPaths,
      order,
      workers: options.workers,
      maxBytes: options.maxBytes,
      cache: options.cache ?? null,
      signal: options.signal,
    });
  const measure = (own: MeasuringOptions) =>
    measuringImages(own, {
      open(batch) {
        const crop = options.measuring;
        const wanted = { ...own, batch, seed: options.seed, crop };
        return open(wanted, orderOf(wanted));
      },
      size: own.samples?.length ?? table.size,
      views: options.views,
    });
  return {
    id: dataset.id,
    classes: catalog.classes,
    size: table.size,
    meanChroma: catalog.meanChroma,
    imageSize: { width: side, height: side },
    views: options.views,
    label: (sample) => table.label(sample),
    sampleName: (sample) => sampleName(table.record(sample).source),
    async train({ mirror, ...own }) {
      const wanted = { ...own, crop: { ...options.training, mirror } };
      const order = orderOf(wanted);
      const loader = await open(wanted, order);
      const identity = { ...own, datasetId: dataset.id, decoder: DECODER };
      return {
        batch: (step) => loader.batch(step),
        report: () => loader.report(),
        state: (step) => toOrderState(order, identity, step),
        close: () => loader.close(),
      };
    },
    measure,
    groups(samples, atOnce) {
      const groups = Math.ceil(samples.length / atOnce);
      const size = Math.ceil(samples.length / groups);
      return { size, images: () => measure({ samples, batch: size }) };
    },
  };
}

type OpenOptions = Pick<LoaderOptions, "seed" | "batch" | "crop"> & {
  readonly samples?: Int32Array;
  readonly fromStep?: number;
  readonly withMasks?: boolean;
};

async function* measuringImages(
  { batch }: MeasuringOptions,
  source: {
    readonly open: (batch: number) => Promise<Loader>;
    readonly size: number;
    readonly views: number;
  },
): AsyncGenerator<MeasuringImages, void, undefined> {
  const wanted = source.size * source.views;
  const images = Math.min(batch, wanted);
  const loader = await source.open(images);
  try {
    for (let step = 0; step * images < wanted; step++) {
      const found = await loader.batch(step);
      yield { ...found, counted: Math.min(images, wanted - step * images) };
    }
  } finally {
    await loader.close();
  }
}

function emptyDataset(left: number): UserError {
  return new UserError({
    code: "data.empty",
    message: `the dataset has no usable image; ${left} were left out as unreadable`,
    hint: "see `hueline data ls` for the reasons",
  });
}
