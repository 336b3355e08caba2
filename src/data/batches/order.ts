/**
 * Which sample is read when: arithmetic, without buffers or state (docs/design.md, invariant H).
 *
 * Training reads positions 0, 1, 2, …; batch `step` of size b has the positions step·b … step·b + b − 1. Position p
 * lies in epoch floor(p / size), and each epoch is a shuffle of its own of all samples. So every epoch has each
 * sample exactly once, a batch may span two epochs, and any step can be computed alone: by another worker, or after a
 * resume.
 */
import { hash32, permute, streamOf } from "../../base/random.ts";

/** Part of a dataset's identity: raise it when the same seed gives another order. */
export const ORDER_VERSION = 1;

const SHARDS = streamOf("order/shards");
const EPOCHS = streamOf("order/epochs");

export type Occurrence = {
  readonly epoch: number;
  /** Index of a sample in its dataset (or in a list of samples). */
  readonly sample: number;
};

/** What stands at a position of the endless training order over `size` samples. */
export function sampleAt(
  order: { readonly seed: number; readonly size: number },
  position: number,
): Occurrence {
  const epoch = Math.floor(position / order.size);
  const seed = hash32(EPOCHS, order.seed, epoch);
  return { epoch, sample: permute(position % order.size, order.size, seed) };
}

/** The samples of one training step, in their order in the batch. */
export function batchAt(
  order: {
    readonly seed: number;
    readonly size: number;
    readonly batch: number;
  },
  step: number,
): Occurrence[] {
  return Array.from({ length: order.batch }, (_, i) =>
    sampleAt(order, step * order.batch + i),
  );
}

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
