/**
 * Opens a loader: divides memory, starts threads, and puts the parts together. What happens when is in `batch-planner.ts`,
 * what a caller sees of it in `batch-line.ts`.
 */
import { closeSync, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { StoppedError, systemCode } from "../../base/errors.ts";
import type { Placed } from "../order/training-order.ts";
import { createArena } from "./arena.ts";
import { createBatchLine } from "./batch-line.ts";
import { createBatchPlanner, type PlannedBatch } from "./batch-planner.ts";
import { blockFile } from "./block-cache.ts";
import { startDecodeThreads } from "./decode-threads.ts";
import type { ImageBatch, Loader, LoaderOptions } from "./loader.ts";
import { createLoaderMeter } from "./loader-meter.ts";
import { batchMemory, blockMemory } from "./memory-pool.ts";
import { planMemory } from "./memory-plan.ts";
import { createResidentBlocks } from "./resident-blocks.ts";

const MOST_THREADS = 8;
/**
 * The loader of one rank's part of every batch.
 * @throws UserError `data.loader-memory` when what must be held at once is more than may be; `data.ranks`.
 */
export async function openLoader(options: LoaderOptions): Promise<Loader> {
  const { batch, crop, rank = 0, ranks = 1, withMasks = false } = options;
  const size = batch / ranks;
  const slotBytes = size * crop.side ** 2 * (withMasks ? 4 : 3);
  const plan = planMemory(options, { slotBytes, ranks });
  const memory =
    plan.blocks === "memory"
      ? blockMemory.take(plan.blockBytes, plan.leastBlockBytes)
      : null;
  const allSlots = plan.slots * slotBytes;
  const batches = batchMemory.take(allSlots, allSlots);
  const slots = Array.from({ length: plan.slots }, (_, i) =>
    batches.subarray(i * slotBytes, (i + 1) * slotBytes),
  );
  const arena = createArena(memory?.length ?? plan.blockBytes);
  const workers =
    options.workers || Math.min(MOST_THREADS, availableParallelism());
  const meter = createLoaderMeter({
    threads: workers,
    now: () => performance.now(),
  });
  const cache = options.cache ?? null;
  const residents = createResidentBlocks({
    arena,
    memory,
    shardPaths: options.shardPaths,
    shardBytes: options.table.shards.map(({ sizeBytes }) => sizeBytes),
    openFile: (name) => openFile(blockFile(cache?.directory ?? "", name)),
    closeFile: closeSync,
  });
  const threads = startDecodeThreads(
    workers,
    {
      storeUrl: options.storeUrl,
      arena: memory,
      slots,
      size,
      side: crop.side,
      withMasks,
      cache,
    },
    {
      answered: (answer) => {
        line.answered(answer);
      },
      died: (error) => {
        line.end(error);
      },
    },
  );
  const planner = createBatchPlanner({
    ...options,
    withMasks,
    share: { rank, ranks },
    slots: plan.slots,
    threads,
    residents,
    meter,
  });
  const line = createBatchLine({
    planner,
    threads,
    fromStep: options.fromStep ?? 0,
  });
  const stop = (): void => {
    line.end(new StoppedError("the loader was told to stop"));
  };
  options.signal?.addEventListener("abort", stop, { once: true });
  const close = async (): Promise<void> => {
    options.signal?.removeEventListener("abort", stop);
    line.end(new StoppedError("the loader is closed"));
    await threads.close();
    residents.close();
    batchMemory.giveBack(batches);
    if (memory) blockMemory.giveBack(memory);
  };
  let closing: Promise<void> | null = null;
  return {
    size,
    async batch(step) {
      const begun = performance.now();
      const found = await line.take(step);
      meter.trainerWaited(performance.now() - begun);
      return toBatch(found, slots[found.slot] as Uint8Array, options);
    },
    report: () => meter.report(arena.usedBytes + allSlots),
    close: () => (closing ??= close()),
  };
}

/** Null: the file is not there. */
function openFile(file: string): number | null {
  try {
    return openSync(file, "r");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

function toBatch(
  { step, placed }: PlannedBatch,
  slot: Uint8Array,
  options: Pick<LoaderOptions, "table" | "crop" | "withMasks">,
): ImageBatch {
  const { side } = options.crop;
  const size = placed.length;
  const pixels = size * side * side * 3;
  const pick = (of: (at: Placed) => number): Int32Array =>
    Int32Array.from(placed, of);
  return {
    step,
    size,
    side,
    pixels: slot.subarray(0, pixels),
    masks: options.withMasks ? slot.subarray(pixels) : null,
    labels: pick(({ sample }) => options.table.label(sample)),
    samples: pick(({ sample }) => sample),
    epochs: pick(({ epoch }) => epoch),
  };
}
