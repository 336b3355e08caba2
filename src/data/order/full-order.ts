/**
 * The order over everything at once: each epoch is one shuffle of all samples, for what fits in memory.
 *
 * Position p lies in epoch floor(p / size); batch `step` of size b has the positions step·b … step·b + b − 1. So every
 * epoch has each sample exactly once, a batch may span two epochs, and any step can be computed alone: by another
 * worker, or after a resume (docs/design.md, invariant H).
 */
import { hash32, permute, streamOf } from "../../base/random.ts";
import { cutBlocks, toRuns } from "./cut-blocks.ts";
import {
  crc32OfList,
  lowerBound,
  type SampleList,
  type Survey,
} from "./sample-list.ts";
import { checkShare } from "./share.ts";
import type {
  Block,
  BlockUse,
  Occurrence,
  TrainingOrder,
} from "./training-order.ts";

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

/** That shuffle as a `TrainingOrder`: every rank holds every block. */
export function createFullOrder(
  list: SampleList,
  options: {
    readonly seed: number;
    readonly survey: Survey;
    readonly blockBytes: number;
  },
): TrainingOrder {
  const { size } = list;
  const { seed, blockBytes } = options;
  const blocks: Block[] = [];
  for (const run of toRuns({ start: 0, end: size }, options.survey.breaks))
    blocks.push(
      ...cutBlocks(list, run, { blockBytes, firstId: blocks.length }),
    );
  const order = { seed, size };
  return {
    kind: "full",
    size,
    streams: 1,
    blocks,
    samplesCrc32: crc32OfList(list),
    at(position) {
      const { epoch, sample: index } = sampleAt(order, position);
      const block =
        lowerBound(blocks.length, (k) => (blocks[k] as Block).first > index) -
        1;
      return { epoch, sample: list.sampleAt(index), block };
    },
    blocksOf(share, first) {
      checkShare({ kind: "full", streams: 1 }, share);
      return blocks
        .map((block): BlockUse => ({ block, first, last: Infinity }))
        .values();
    },
  };
}
