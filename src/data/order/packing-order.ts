/**
 * Which image of a source goes into which shard: a permutation of the source, cut into parts of the same length, so
 * that every shard is a mixture of all classes and any worker can pack any shard alone.
 */
import { hash32, permute, streamOf } from "../../base/random.ts";

/** Part of a dataset's identity: raise it when the same `order` packs other shards. */
export const PACKING_VERSION = 1;

const SHARDS = streamOf("order/shards");

/** Which item of a source stands at position `position` of the dataset that is cut into shards. */
export function sourceAt(options: {
  readonly position: number;
  readonly size: number;
  /** The `order` parameter of the shard stage. */
  readonly order: number;
}): number {
  const { position, size, order } = options;
  return permute(position, size, hash32(SHARDS, order));
}

/** Positions [start, end) of part `index` of `count`: contiguous, all covered, sizes differ by at most one. */
export function partRange(
  size: number,
  part: { readonly index: number; readonly count: number },
): { readonly start: number; readonly end: number } {
  return {
    start: Math.floor((size * part.index) / part.count),
    end: Math.floor((size * (part.index + 1)) / part.count),
  };
}
