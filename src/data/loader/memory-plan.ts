/**
 * How a loader divides the bytes it may hold: batches first, the rest for blocks. What must be held at once is known before
 * anything is read, so a training is refused at its start and not in its tenth hour.
 */
import { UserError } from "../../base/errors.ts";
import type { TrainingOrder } from "../order/training-order.ts";
import type { LoaderOptions } from "./loader.ts";

export const DEFAULT_MAX_BYTES = 2 * 2 ** 30;
/** Two that whoever trains may still look at, and those that are made ahead. */
const SLOTS_WANTED = 4;
const SLOTS_NEEDED = 3;
/** Of the cache's limit: what is not cleared out by `block-cache.ts`, with room to spare. */
const CACHE_SHARE = 3 / 4;
/** Of the memory for blocks that a loader could have: not worth another memory. */
const GOOD_ENOUGH = 3 / 4;

export type MemoryPlan = {
  readonly slots: number;
  readonly slotBytes: number;
  /** Where blocks are held. */
  readonly blocks: "memory" | "files";
  /** Bytes of all blocks that are held at once. */
  readonly blockBytes: number;
  /** With so many it works as well: fewer only where blocks are dropped and read again in any case. */
  readonly leastBlockBytes: number;
};

/** @throws UserError `data.loader-memory`, with what is needed. */
export function planMemory(
  options: Pick<LoaderOptions, "order" | "maxBytes" | "cache">,
  batch: { readonly slotBytes: number; readonly ranks: number },
): MemoryPlan {
  const { order, cache, maxBytes = DEFAULT_MAX_BYTES } = options;
  const { slotBytes } = batch;
  const needed = bytesAtOnce(order, batch.ranks);
  const fits = (slots: number): boolean =>
    needed + slots * slotBytes <= maxBytes;
  const all = order.blocks.reduce((sum, { length }) => sum + length, 0);
  const slots = fits(SLOTS_WANTED) ? SLOTS_WANTED : SLOTS_NEEDED;
  if (fits(slots)) {
    const blockBytes = Math.min(all, maxBytes - slots * slotBytes);
    const some = Math.max(needed, Math.floor(blockBytes * GOOD_ENOUGH));
    const leastBlockBytes = blockBytes === all ? all : some;
    return { slots, slotBytes, blocks: "memory", blockBytes, leastBlockBytes };
  }
  const onDisk = Math.floor((cache?.maxBytes ?? 0) * CACHE_SHARE);
  if (slots * slotBytes <= maxBytes && needed <= onDisk) {
    const blockBytes = Math.min(all, onDisk, 2 * needed);
    const leastBlockBytes = blockBytes;
    return { slots, slotBytes, blocks: "files", blockBytes, leastBlockBytes };
  }
  throw tooLittle({ needed, slotBytes, maxBytes });
}

/**
 * The most that blocks in use at one position can take: everything of a full shuffle; of streams, one block each of as
 * many streams as a rank has, the largest.
 */
function bytesAtOnce(order: TrainingOrder, ranks: number): number {
  const sum = (lengths: readonly number[]): number =>
    lengths.reduce((total, length) => total + length, 0);
  if (order.kind === "full") return sum(order.blocks.map((b) => b.length));
  const largest = Array.from({ length: order.streams }, () => 0);
  for (const { block, first } of order.blocksOf({ rank: 0, ranks: 1 }, 0)) {
    if (first >= order.size) break;
    const stream = first % order.streams;
    largest[stream] = Math.max(largest[stream] as number, block.length);
  }
  const own = order.streams / ranks;
  return sum(largest.toSorted((a, b) => b - a).slice(0, own));
}

function tooLittle(found: {
  readonly needed: number;
  readonly slotBytes: number;
  readonly maxBytes: number;
}): UserError {
  const mebibytes = (bytes: number): string =>
    `${Math.ceil(bytes / 2 ** 20)} MiB`;
  const batches = SLOTS_NEEDED * found.slotBytes;
  return new UserError({
    code: "data.loader-memory",
    message: `reading the dataset in its order takes ${mebibytes(found.needed + batches)} of memory at once: ${mebibytes(found.needed)} for the blocks in use and ${mebibytes(batches)} for ${SLOTS_NEEDED} batches; ${mebibytes(found.maxBytes)} are allowed`,
    hint: `set resources.memory of the stage to ${mebibytes(2 * (found.needed + batches))} or more (images may take half of it), take a smaller batch, or name a folder with ${mebibytes(found.needed / CACHE_SHARE)} of room in HUELINE_CACHE, and its size in HUELINE_CACHE_SIZE`,
  });
}
