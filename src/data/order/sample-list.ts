/**
 * The samples that take part in a training, as a list that nobody has to write down when it is all of them, and where
 * their files lie. An index of the list is not a sample's number, except when the list is everything.
 */
import { crc32 } from "node:zlib";
import { UserError } from "../../base/errors.ts";
import type { SampleTable } from "../shards/sample-table.ts";
import type { SampleRecord } from "../shards/shard-index.ts";
import { LARGEST_GAP_BYTES } from "./training-order.ts";

export type SampleList = {
  readonly table: SampleTable;
  readonly size: number;
  /** Number in the dataset of the sample at an index of the list. */
  sampleAt(index: number): number;
  /** The first index of the list whose sample is `sample` or a later one. */
  indexOf(sample: number): number;
};

/** The part of a shard's tar that holds a sample's files: the image, and the mask where there is one. */
export type Extent = { readonly start: number; readonly end: number };

/** @throws UserError `data.empty` when nothing takes part. */
export function createSampleList(
  table: SampleTable,
  samples?: Int32Array,
): SampleList {
  const size = samples?.length ?? table.size;
  if (size === 0)
    throw new UserError({
      code: "data.empty",
      message: "no sample takes part in the training",
      hint: "see `hueline data ls` for what the dataset holds",
    });
  if (!samples)
    return {
      table,
      size,
      sampleAt: (index) => index,
      indexOf: (sample) => Math.min(sample, size),
    };
  checkAscending(samples, table.size);
  return {
    table,
    size,
    sampleAt: (index) => samples[index] as number,
    indexOf: (sample) =>
      lowerBound(size, (index) => (samples[index] as number) >= sample),
  };
}

/** The smallest of 0…size−1 for which a monotonic condition holds; `size`: none. */
export function lowerBound(
  size: number,
  holds: (index: number) => boolean,
): number {
  let [low, high] = [0, size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function extentOf({ offset, sizeBytes, mask }: SampleRecord): Extent {
  const end = offset + sizeBytes;
  if (mask === null) return { start: offset, end };
  return {
    start: Math.min(offset, mask.offset),
    end: Math.max(end, mask.offset + mask.sizeBytes),
  };
}

/** What one look at every sample of a list tells. */
export type Survey = {
  /** Sum of the files' bytes. */
  readonly sizeBytes: number;
  /** Indices, ascending, at which a read cannot go on: another shard begins, or a gap that is not worth reading. */
  readonly breaks: readonly number[];
};

/** @throws UserError `data.shard-corrupt` when samples of a shard do not follow each other in its tar. */
export function survey(list: SampleList): Survey {
  const breaks: number[] = [];
  let sizeBytes = 0;
  for (const [number, shard] of list.table.shards.entries()) {
    const from = list.indexOf(shard.first);
    const to = list.indexOf(shard.first + shard.samples);
    let end = -Infinity;
    for (let index = from; index < to; index++) {
      const record = list.table.record(list.sampleAt(index));
      const extent = extentOf(record);
      if (extent.start < end) throw outOfOrder(number, list.sampleAt(index));
      if (extent.start - end > LARGEST_GAP_BYTES) breaks.push(index);
      sizeBytes += record.sizeBytes + (record.mask?.sizeBytes ?? 0);
      end = extent.end;
    }
  }
  return { sizeBytes, breaks };
}

/** CRC-32 of a list's numbers as 32-bit little-endian integers. */
export function crc32OfList(list: SampleList): number {
  const chunk = Buffer.alloc(4 * 16_384);
  let crc = 0;
  for (let start = 0; start < list.size; start += 16_384) {
    const count = Math.min(16_384, list.size - start);
    for (let i = 0; i < count; i++)
      chunk.writeInt32LE(list.sampleAt(start + i), i * 4);
    crc = crc32(chunk.subarray(0, count * 4), crc);
  }
  return crc;
}

function checkAscending(samples: Int32Array, size: number): void {
  let before = -1;
  for (const sample of samples) {
    if (sample <= before || sample >= size)
      throw new RangeError(
        `samples: expected ascending numbers below ${size}, found ${sample} after ${before}`,
      );
    before = sample;
  }
}

function outOfOrder(shard: number, sample: number): UserError {
  return new UserError({
    code: "data.shard-corrupt",
    message: `shard ${shard} of the dataset can not be used: sample ${sample} begins before the one ahead of it ends`,
    hint: "see `hueline data verify`; pack the dataset anew",
  });
}
