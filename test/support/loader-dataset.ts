/** A small dataset of real photographs in a folder, to load from: JPEG of many sizes, some PNG, gray and CMYK. */
import { createTrainingOrder } from "../../src/data/order/create-training-order.ts";
import { crc32 } from "node:zlib";
import type {
  Crop,
  Loader,
  LoaderOptions,
} from "../../src/data/loader/loader.ts";
import { openLoader } from "../../src/data/loader/open-loader.ts";
import {
  openSampleTable,
  type OpenSampleTable,
} from "../../src/data/shards/sample-table.ts";
import { createFileStore } from "../../src/store/fs.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import type { Store } from "../../src/store/store.ts";
import { packDataset } from "./dataset-artifacts.ts";
import { readPhotographs, toSharp, writeFiles } from "./photographs.ts";

export type LoaderDataset = Omit<OpenSampleTable, "catalog"> & {
  readonly store: Store;
  /** Of the catalog's artifact. */
  readonly catalog: Manifest;
};

/** Packs `count` photographs in `shards` shards into a store below `folder`. */
export async function packPhotographs(
  folder: string,
  { count, shards }: { readonly count: number; readonly shards: number },
): Promise<LoaderDataset> {
  const files: Record<string, Uint8Array> = {};
  for (const [i, photo] of (await readPhotographs(count)).entries()) {
    const scaled = toSharp(photo).resize(40 + (i % 7) * 6, 40 + (i % 5) * 9, {
      fit: "fill",
    });
    const [encoded, extension] =
      i % 10 === 3
        ? [scaled.png(), "png"]
        : i % 10 === 5
          ? [scaled.toColourspace("cmyk").jpeg(), "jpg"]
          : i % 10 === 7
            ? [scaled.toColourspace("b-w").jpeg(), "jpg"]
            : [scaled.jpeg(), "jpg"];
    files[`class-${i % 3}/${String(i).padStart(4, "0")}.${extension}`] =
      await encoded.toBuffer();
  }
  writeFiles(`${folder}/photos/train`, files);
  const store = createFileStore({ directory: `${folder}/store` });
  const { catalog } = await packDataset(
    { source: `${folder}/photos`, format: "image-folder", shards },
    { store },
  );
  return { ...(await openSampleTable(store, catalog)), store, catalog };
}

export const randomCrop: Crop = {
  side: 32,
  scale: { kind: "shorter-side", min: 32, max: 48 },
  place: "random",
  mirror: true,
};

/** Options for a dataset, in streams of small blocks unless told otherwise. */
export function loaderOptions(
  { store, table, shardPaths }: LoaderDataset,
  options: Partial<LoaderOptions> & { readonly fullShuffleBytes?: number } = {},
): LoaderOptions {
  const { fullShuffleBytes = 0, ...rest } = options;
  const order = createTrainingOrder({
    table,
    seed: 1,
    streams: 8,
    fullShuffleBytes,
    blockBytes: 4096,
  });
  return {
    storeUrl: store.url,
    table,
    shardPaths,
    order,
    seed: 1,
    batch: 16,
    crop: randomCrop,
    workers: 2,
    ...rest,
  };
}

/** An image of a batch: which one, and the checksum of its pixels. */
export type SeenImage = { readonly sample: number; readonly crc: number };

export async function readStep(
  loader: Loader,
  step: number,
): Promise<SeenImage[]> {
  const { pixels, samples } = await loader.batch(step);
  const bytes = pixels.length / samples.length;
  return Array.from(samples, (sample, i) => ({
    sample,
    crc: crc32(pixels.subarray(i * bytes, (i + 1) * bytes)),
  }));
}

/** What a loader of its own gives at each of some steps. */
export async function readSteps(
  options: LoaderOptions,
  steps: readonly number[],
): Promise<SeenImage[][]> {
  const loader = await openLoader({ ...options, fromStep: steps[0] ?? 0 });
  try {
    const seen: SeenImage[][] = [];
    for (const step of steps) seen.push(await readStep(loader, step));
    return seen;
  } finally {
    await loader.close();
  }
}

export const upTo = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => i);
