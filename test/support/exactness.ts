/**
 * Interrupts the reading of a dataset and goes on elsewhere, as a training that is killed and resumed does: another number
 * of ranks and workers, the same disk cache. What each run got is told image by image, to compare with a run that nobody
 * disturbed.
 */
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { openLoader } from "../../src/data/loader/open-loader.ts";
import type { Loader } from "../../src/data/loader/loader.ts";
import { createTrainingOrder } from "../../src/data/order/create-training-order.ts";
import type { TrainingOrder } from "../../src/data/order/training-order.ts";
import {
  openSampleTable,
  type OpenSampleTable,
} from "../../src/data/shards/sample-table.ts";
import { readManifest } from "../../src/store/artifacts/manifest.ts";
import { openStore } from "../../src/store/open-store.ts";
import { startLines } from "./child-lines.ts";

/** What is read; plain values, so that a process can be told. */
export type Reading = {
  readonly storeUrl: string;
  /** Of the catalog's artifact. */
  readonly key: string;
  readonly seed: number;
  /** Images of a whole batch. */
  readonly batch: number;
  readonly side: number;
  readonly fullShuffleBytes: number;
  readonly blockBytes: number;
  readonly cacheDirectory: string | null;
};

export type World = { readonly ranks: number; readonly workers: number };

/** Steps [from, to). */
export type Steps = { readonly from: number; readonly to: number };

/** The images of a rank's part of a step, each as `epoch/sample/CRC-32 of its pixels`. */
export type Part = readonly string[];

export type Dataset = OpenSampleTable & { readonly order: TrainingOrder };

export async function openReading(reading: Reading): Promise<Dataset> {
  const { seed, fullShuffleBytes, blockBytes } = reading;
  const store = openStore(reading.storeUrl, { currentFolder: "/" });
  const manifest = await readManifest(store, reading.key);
  if (!manifest) throw new Error(`there is no dataset ${reading.key}`);
  const dataset = await openSampleTable(store, manifest);
  const sizes = { fullShuffleBytes, blockBytes };
  const { table } = dataset;
  return { ...dataset, order: createTrainingOrder({ table, seed, ...sizes }) };
}

export async function openRank(
  reading: Reading,
  dataset: Dataset,
  options: World & { readonly rank: number; readonly fromStep: number },
): Promise<Loader> {
  const { storeUrl, seed, batch, side, cacheDirectory } = reading;
  const { table, shardPaths, order } = dataset;
  return await openLoader({
    storeUrl,
    table,
    shardPaths,
    order,
    seed,
    batch,
    ...options,
    crop: {
      side,
      scale: { kind: "area", min: 0.3, max: 1, ratio: 4 / 3 },
      place: "random",
      mirror: true,
    },
    cache: cacheDirectory
      ? { directory: cacheDirectory, maxBytes: 2 ** 30 }
      : null,
  });
}

export async function readPart(loader: Loader, step: number): Promise<Part> {
  const { size, pixels, epochs, samples } = await loader.batch(step);
  const bytes = pixels.length / size;
  return Array.from({ length: size }, (_, i) => {
    const own = pixels.subarray(i * bytes, (i + 1) * bytes);
    return `${epochs[i]}/${samples[i]}/${crc32(own).toString(16)}`;
  });
}

/** Whole batches of steps, read by every rank of a world in turn; then each loader is closed while it works on the next. */
export async function readHere(
  reading: Reading,
  dataset: Dataset,
  { world, steps }: { readonly world: World; readonly steps: Steps },
): Promise<Part[]> {
  const parts: Part[][] = [];
  for (let rank = 0; rank < world.ranks; rank++) {
    const options = { ...world, rank, fromStep: steps.from };
    const loader = await openRank(reading, dataset, options);
    const own: Part[] = [];
    for (let step = steps.from; step < steps.to; step++)
      own.push(await readPart(loader, step));
    const unwanted = loader.batch(steps.to).then(
      () => "made",
      () => "refused",
    );
    await loader.close();
    await unwanted;
    parts.push(own);
  }
  return joinRanks(parts, steps);
}

/** The same by a process a rank, all at once; each is killed as soon as it has said all steps, or more. */
export async function readInProcesses(
  reading: Reading,
  { world, steps }: { readonly world: World; readonly steps: Steps },
): Promise<Part[]> {
  const script = fileURLToPath(new URL("loader-process.ts", import.meta.url));
  const children = Array.from({ length: world.ranks }, (_, rank) =>
    startLines(script, [
      JSON.stringify({ reading, world, rank, fromStep: steps.from }),
    ]),
  );
  const count = steps.to - steps.from;
  try {
    await Promise.all(children.map((child) => child.untilLines(count)));
  } finally {
    await Promise.all(children.map((child) => child.kill()));
  }
  const parts = children.map(({ lines }) =>
    lines.slice(0, count).map((line) => JSON.parse(line) as Part),
  );
  return joinRanks(parts, steps);
}

/** Position q of a batch belongs to rank q mod R. */
function joinRanks(
  parts: readonly (readonly Part[])[],
  { from, to }: Steps,
): Part[] {
  return Array.from({ length: to - from }, (_, k) => {
    const ranks = parts.map((own) => own[k] as Part);
    const size = ranks.reduce((sum, part) => sum + part.length, 0);
    return Array.from(
      { length: size },
      (_, i) => ranks[i % ranks.length]?.[Math.floor(i / ranks.length)] ?? "",
    );
  });
}

export type Difference = {
  readonly missing: number;
  readonly repeated: number;
  /** Images at the wrong place or with other pixels. */
  readonly different: number;
};

/** What was read of some steps against what should have been. */
export function compare(
  found: readonly Part[],
  wanted: readonly Part[],
): Difference {
  const identities = (parts: readonly Part[]) =>
    parts.flat().map((image) => image.slice(0, image.lastIndexOf("/")));
  const seen = new Map<string, number>();
  for (const id of identities(found)) seen.set(id, (seen.get(id) ?? 0) + 1);
  let missing = 0;
  for (const id of identities(wanted)) {
    const left = seen.get(id) ?? 0;
    if (left === 0) missing++;
    seen.set(id, left - 1);
  }
  let repeated = 0;
  for (const left of seen.values()) repeated += Math.max(0, left);
  const want = wanted.flat();
  const got = found.flat();
  const different = want.filter((image, i) => got[i] !== image).length;
  return { missing, repeated, different };
}
