/**
 * Images of a dataset in a store, cropped by the loader while training: photographs of any size, never all in memory.
 *
 * A measurement reads what a training reads, in the order of one: each epoch has every sample once, so the first `views`
 * epochs are what is wanted, and what the last batch holds of the epoch behind them does not count.
 */
import type { Manifest } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";
import { emptyDataset } from "../dataset-files.ts";
import type { Crop, Loader, LoaderOptions } from "../loader/loader.ts";
import { openLoader } from "../loader/open-loader.ts";
import { readLabelMarks } from "../label-marks.ts";
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
  MeasuringRounds,
} from "./image-set.ts";

export type LoadedImagesOptions = {
  /** Take part: the first samples, or all. */
  readonly limit?: number | undefined;
  /** Of what is measured; a training has its own. */
  readonly seed: number;
  readonly training: Crop;
  readonly measuring: Crop;
  readonly views: number;
  /** Masks of the images too. */
  readonly withMasks?: boolean | undefined;
  readonly workers: number;
  readonly maxBytes: number;
  readonly cache: LoaderOptions["cache"];
  readonly signal: AbortSignal;
  /** Told what the loader's threads read from the store: they open it themselves. */
  fetched?(sizeBytes: number): void;
};

/** @throws what `openSampleTable` throws; `data.empty`. */
export async function openLoadedImages(
  store: Store,
  manifest: Manifest,
  options: LoadedImagesOptions,
): Promise<ImageSet> {
  const { limit } = options;
  const dataset = await openSampleTable(store, manifest, { limit });
  const { catalog, table } = dataset;
  if (table.size === 0) throw emptyDataset(catalog);
  const { side } = options.training;
  const orderOf = ({ seed, samples }: OpenOptions): TrainingOrder =>
    createTrainingOrder({
      table,
      seed,
      ...(samples ? { samples: samples.toSorted() } : {}),
    });
  const open = async (
    own: OpenOptions,
    order: TrainingOrder,
  ): Promise<Loader> => {
    const loader = await openLoader({
      ...own,
      withMasks: options.withMasks ?? false,
      storeUrl: store.url,
      table,
      shardPaths: dataset.shardPaths,
      order,
      workers: options.workers,
      maxBytes: options.maxBytes,
      cache: options.cache ?? null,
      signal: options.signal,
    });
    return options.fetched ? countFetched(loader, options.fetched) : loader;
  };
  const rounds = (own: MeasuringOptions) =>
    openRounds(own, {
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
    maskClasses: (options.withMasks && catalog.masks?.classes) || null,
    imageSize: { width: side, height: side },
    views: options.views,
    label: (sample) => table.label(sample),
    sampleName: (sample) => sampleName(table.record(sample).source),
    readMarks: () => readLabelMarks(store, manifest),
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
    measure: (own) => oneRound(rounds(own)),
    rounds,
    groups(samples, atOnce) {
      const groups = Math.ceil(samples.length / atOnce);
      const batch = Math.ceil(samples.length / groups);
      return rounds({ samples, batch });
    },
  };
}

type OpenOptions = Pick<LoaderOptions, "seed" | "batch" | "crop"> & {
  readonly samples?: Int32Array;
  readonly fromStep?: number;
};

/** A round is the first steps of a loader, so the next one goes back to step 0: its batches are those of the first. */
function openRounds(
  { batch }: MeasuringOptions,
  source: {
    open(batch: number): Promise<Loader>;
    readonly size: number;
    readonly views: number;
  },
): MeasuringRounds {
  const wanted = source.size * source.views;
  const size = Math.min(batch, wanted);
  let opening: Promise<Loader> | null = null;
  return {
    size,
    async *images() {
      const loader = await (opening ??= source.open(size));
      for (let step = 0; step * size < wanted; step++) {
        const found = await loader.batch(step);
        yield { ...found, counted: Math.min(size, wanted - step * size) };
      }
    },
    async close() {
      const opened = await opening;
      await opened?.close();
    },
  };
}

async function* oneRound(
  rounds: MeasuringRounds,
): AsyncGenerator<MeasuringImages, void, undefined> {
  try {
    yield* rounds.images();
  } finally {
    await rounds.close();
  }
}

/** What nobody asked for by a report is counted when the loader closes. */
function countFetched(
  loader: Loader,
  fetched: (sizeBytes: number) => void,
): Loader {
  const report = () => {
    const found = loader.report();
    fetched(found.bytesFetched);
    return found;
  };
  return {
    ...loader,
    report,
    async close() {
      report();
      await loader.close();
    },
  };
}
