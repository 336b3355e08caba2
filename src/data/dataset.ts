/**
 * A dataset in memory: every image decoded, for sets of small photographs. Sample i stands at position i of the
 * concatenated shards, whatever part of it is loaded.
 *
 * Everything is verified on the way: the shard against its checksum, each image against its own. The bytes that will be held
 * are computed from the index before anything is read, and refused when they are too many. Raw images (PPM) are views of
 * their shard's bytes, without a copy; how others become pixels is in `dataset-images.ts`.
 */
import { mapBounded } from "../base/async.ts";
import { UserError } from "../base/errors.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";
import type { Catalog } from "./catalog.ts";
import {
  checkSample,
  corrupt,
  emptyDataset,
  findDatasetFiles,
  type ShardFiles,
} from "./dataset-files.ts";
import { readLabelMarks, type LabelMarks } from "./label-marks.ts";
import { createImageReader, type ImageReader } from "./dataset-images.ts";
import { DecodeError } from "./pixels/decode.ts";
import type { Image } from "./pixels/image.ts";
import {
  SampleClass,
  sampleName,
  type SampleRecord,
} from "./shards/shard-index.ts";

export type Dataset = {
  /** SHA-256 of the catalog. */
  readonly id: string;
  readonly catalog: Catalog;
  /** Samples that are loaded: all, or the first `limit`. */
  readonly size: number;
  readonly classes: readonly string[];
  /** E[C] of the whole dataset (paper 1.4). */
  readonly meanChroma: number;
  /** Name of a sample, as its members in the tar. */
  sampleName(sample: number): string;
  /** Index into `classes`; −1: none. */
  label(sample: number): number;
  image(sample: number): Image;
  /** Which classes each image shows, where it may show several. */
  readMarks(): Promise<LabelMarks>;
};

export type OpenDatasetOptions = {
  /** Load only the first samples. */
  readonly limit?: number | undefined;
  /** Scale the shorter side to this and crop the centre to a square: what a loader gives for the same `Crop`. */
  readonly side?: number | undefined;
  /** Largest sum of image bytes to hold. */
  readonly maxBytes?: number;
};

const DEFAULT_MAX_BYTES = 2 ** 30;

/**
 * Loads the dataset that a catalog task committed.
 * @throws UserError `data.too-large`, `data.shard-corrupt`, `data.shard-missing`, `data.catalog-corrupt`,
 * `data.empty`, or the store's `artifact.*`, each naming the file.
 */
export async function openDataset(
  store: Store,
  manifest: Manifest,
  options: OpenDatasetOptions = {},
): Promise<Dataset> {
  const files = await findDatasetFiles(store, manifest);
  const { catalog } = files;
  const limit = Math.min(options.limit ?? catalog.samples, catalog.samples);
  if (limit === 0) throw emptyDataset(catalog);
  const wanted = await selectSamples(files.shards, limit);
  checkMemory(wanted, options);
  const reader = createImageReader(options.side ?? null);
  const records: SampleRecord[] = [];
  const images: Image[] = [];
  for (const { shard, samples } of wanted) {
    records.push(...samples);
    images.push(...(await loadShard(shard, samples, reader)));
  }
  return {
    id: files.id,
    catalog,
    size: limit,
    classes: catalog.classes,
    meanChroma: catalog.meanChroma,
    sampleName: (sample) => sampleName(at(records, sample).source),
    label: (sample) => at(records, sample).label,
    image: (sample) => at(images, sample),
    readMarks: () => readLabelMarks(store, manifest),
  };
}

type WantedShard = {
  readonly shard: ShardFiles;
  readonly samples: readonly SampleRecord[];
};

async function selectSamples(
  shards: readonly ShardFiles[],
  limit: number,
): Promise<WantedShard[]> {
  const wanted: WantedShard[] = [];
  let left = limit;
  for (const shard of shards) {
    if (left === 0) break;
    const { samples } = await shard.readIndex();
    wanted.push({ shard, samples: samples.slice(0, left) });
    left -= Math.min(left, samples.length);
  }
  return wanted;
}

async function loadShard(
  shard: ShardFiles,
  samples: readonly SampleRecord[],
  reader: ImageReader,
): Promise<Image[]> {
  const tar = await shard.readTar();
  return mapBounded(samples, reader.atOnce, async (sample) => {
    const { offset, sizeBytes } = sample;
    const file = checkSample(tar.subarray(offset, offset + sizeBytes), sample, {
      file: shard.entry.file,
      holder: shard,
    });
    try {
      return await reader.read(file, sample);
    } catch (thrown) {
      if (!(thrown instanceof DecodeError)) throw thrown;
      const reason = `sample ${sampleName(sample.source)} ${thrown.message}`;
      throw corrupt(shard.entry.file, shard, reason);
    }
  });
}

/** What will be held: the tar for raw images, else the decoded pixels. */
function checkMemory(
  wanted: readonly WantedShard[],
  { side, maxBytes = DEFAULT_MAX_BYTES }: OpenDatasetOptions,
): void {
  let sizeBytes = 0;
  for (const sample of wanted.flatMap(({ samples }) => samples))
    sizeBytes += side
      ? side * side * 3
      : sample.width * sample.height * 3 +
        (sample.sampleClass === SampleClass.ppm ? 2048 : 0);
  if (sizeBytes <= maxBytes) return;
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  throw new UserError({
    code: "data.too-large",
    message: `the images of the dataset take ${mebibytes(sizeBytes)} of memory when decoded; ${mebibytes(maxBytes)} are allowed`,
    hint: "set a limit in the shard stage, or shrink the images before they are packed",
  });
}

function at<T>(items: readonly T[], sample: number): T {
  const item = items[sample];
  if (item === undefined)
    throw new RangeError(`sample ${sample} is outside 0…${items.length - 1}`);
  return item;
}
