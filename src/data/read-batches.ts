/**
 * The batches that a training reads, as checksums: `hueline data order -o jsonl`. They come through the loader that
 * feeds a training, so that what is promised of it (the same pixels on any number of ranks and workers, from any step)
 * can be checked from outside.
 */
import { crc32 } from "node:zlib";
import { z } from "zod";
import { crc32Hex } from "../store/crc32-hex.ts";
import { UserError } from "../base/errors.ts";
import { trainingCrop } from "../spec/params/params-common.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";
import { toCrop } from "./images/crops.ts";
import type { Crop, ImageBatch, Loader } from "./loader/loader.ts";
import { openLoader } from "./loader/open-loader.ts";
import { createTrainingOrder } from "./order/create-training-order.ts";
import { stepsOf, type OrderRequest } from "./preview-order.ts";
import { openSampleTable } from "./shards/sample-table.ts";
import { sampleName } from "./shards/shard-index.ts";

export type BatchRequest = OrderRequest & {
  /** JSON: what a stage's `crop` says, or its side alone; default: `DEFAULT_SIDE`. */
  readonly crop?: string | undefined;
  /** Threads; 0: as many as the loader sees fit. */
  readonly workers: number;
  readonly signal: AbortSignal;
};

/** One rank's part of a batch. */
export type BatchSums = {
  readonly step: number;
  /** Of each image: its name, class, epoch, and the CRC-32 of its pixels as the network gets them. */
  readonly samples: readonly string[];
  readonly labels: readonly (string | null)[];
  readonly epochs: readonly number[];
  readonly pixels: readonly string[];
  /** CRC-32 of the pixels of all of them. */
  readonly crc32: string;
};

/** The recipe of pretraining at the side of most networks: shorter side random in [224, 381], mirrored half of the time. */
const DEFAULT_SIDE = 224;

/**
 * The batches of a request, as each is made.
 * @throws UserError `data.bad-crop`, `data.ranks`, or what the dataset's files and the loader throw.
 */
export async function* readBatches(
  store: Store,
  manifest: Manifest,
  request: BatchRequest,
): AsyncGenerator<BatchSums, void, undefined> {
  const crop = parseCrop(request.crop);
  const { catalog, table, shardPaths } = await openSampleTable(store, manifest);
  const { seed, batch, rank, ranks, workers, signal } = request;
  const order = createTrainingOrder({ table, seed });
  const { first, end } = stepsOf(order.size, request);
  const loader: Loader = await openLoader({
    storeUrl: store.url,
    table,
    shardPaths,
    order,
    seed,
    batch,
    rank,
    ranks,
    crop,
    workers,
    fromStep: first,
    signal,
  });
  const nameOf = (sample: number) => sampleName(table.record(sample).source);
  try {
    for (let step = first; step < end; step++) {
      const found = await loader.batch(step);
      yield {
        step,
        samples: Array.from(found.samples, nameOf),
        labels: Array.from(found.labels, (k) => catalog.classes[k] ?? null),
        epochs: [...found.epochs],
        ...sumsOf(found),
      };
    }
  } finally {
    await loader.close();
  }
}

/** CRC-32 of each image of a batch, and of all of them. */
export function sumsOf({
  pixels,
  size,
}: Pick<ImageBatch, "pixels" | "size">): Pick<BatchSums, "pixels" | "crc32"> {
  const bytes = pixels.length / size;
  return {
    pixels: Array.from({ length: size }, (_, i) =>
      crc32Hex(crc32(pixels.subarray(i * bytes, (i + 1) * bytes))),
    ),
    crc32: crc32Hex(crc32(pixels)),
  };
}

const cropText = z.union([
  z.int().transform((side) => ({ side })),
  z.unknown(),
]);

function parseCrop(text = String(DEFAULT_SIDE)): Crop {
  const parsed = z
    .preprocess(
      (json) => cropText.parse(json),
      trainingCrop("as in pretraining").unwrap(),
    )
    .safeParse(parseJson(text));
  if (parsed.success)
    return toCrop(parsed.data, { recipe: "pretraining", mirror: true });
  throw new UserError({
    code: "data.bad-crop",
    message: `'${text}' is no crop: ${toProblems(parsed.error)}`,
    hint: `for example 224, or '{"side": 224, "scale": {"shorterSide": [256, 480]}}'`,
  });
}

/** In one line: what is wrong, and where. */
function toProblems({ issues }: z.ZodError): string {
  return issues
    .map(({ message, path }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`,
    )
    .join("; ");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return text;
    throw thrown;
  }
}
