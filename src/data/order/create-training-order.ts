/**
 * Chooses the kind of order by the bytes of what takes part, which is a property of the data and of nothing else: the
 * same study reads the same samples in the same order on any machine.
 */
import { createFullOrder } from "./full-order.ts";
import { createSampleList, survey } from "./sample-list.ts";
import { createStreamOrder } from "./stream-order.ts";
import {
  BLOCK_BYTES,
  DEFAULT_STREAMS,
  FULL_SHUFFLE_BYTES,
  type OrderOptions,
  type TrainingOrder,
} from "./training-order.ts";

/**
 * The order of a training over the samples of a table.
 * @throws UserError `data.empty`, `data.shard-corrupt`.
 */
export function createTrainingOrder(options: OrderOptions): TrainingOrder {
  const {
    seed,
    streams = DEFAULT_STREAMS,
    fullShuffleBytes = FULL_SHUFFLE_BYTES,
    blockBytes = BLOCK_BYTES,
  } = options;
  const list = createSampleList(options.table, options.samples);
  const found = survey(list);
  const common = { seed, survey: found, blockBytes };
  return found.sizeBytes <= fullShuffleBytes
    ? createFullOrder(list, common)
    : createStreamOrder(list, {
        ...common,
        streams: largestDivisor(streams, list.size),
      });
}

/** The largest divisor of `streams` that is at most `size`. */
function largestDivisor(streams: number, size: number): number {
  for (let divisor = Math.min(streams, size); divisor > 1; divisor--)
    if (streams % divisor === 0) return divisor;
  return 1;
}
