/**
 * The order over everything at once: each epoch is one shuffle of all samples, for what fits in memory.
 *
 * Position p lies in epoch floor(p / size); batch `step` of size b has the positions step·b … step·b + b − 1. So every
 * epoch has each sample exactly once, a batch may span two epochs, and any step can be computed alone: by another
 * worker, or after a resume (docs/design.md, invariant H).
 */
import { hash32, permute, streamOf } from "../../base/random.ts";
import type { Occurrence } from "./training-order.ts";

const EPOCHS = streamOf("order/epochs");

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
