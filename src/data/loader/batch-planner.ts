/**
 * Says which image is made when, by whom, and where it goes: walks along the order, and hands groups of images to threads as
 * soon as their blocks are at hand and a batch is free to be filled.
 *
 * The state of a batch: *in the making* (it has a slot; some of its images are ordered), *made* (all are there), *handed
 * out* (whoever trains looks at it), and its slot is free again. Batches begin in the order of their steps; their images are
 * ordered in the order of their positions, which is what makes the blocks that are needed at once few.
 *
 * P1 A step's content follows from (seed, step) alone; threads, ranks and caches decide only when it is there (invariant H).
 * P2 Whatever was ordered is answered before its slot or its blocks are used for something else.
 */
import { placeCrop } from "../crops/place-crop.ts";
import { sharePositions } from "../order/share.ts";
import type { Block, Placed, Share } from "../order/training-order.ts";
import type { DecodeThreads } from "./decode-threads.ts";
import type { LoaderOptions } from "./loader.ts";
import type { LoaderMeter, Obstacle } from "./loader-meter.ts";
import type {
  BlockPlace,
  FileRange,
  ImageOrder,
  ThreadAnswer,
} from "./messages.ts";
import type { ResidentBlocks } from "./resident-blocks.ts";

/** Images that a thread is told to make at once. */
const GROUP = 4;
/** Blocks that each thread fetches at once. */
const FETCHES_PER_THREAD = 4;

export type PlannedBatch = {
  readonly step: number;
  readonly slot: number;
  /** Its images, in their order. */
  readonly placed: readonly Placed[];
};

type Making = {
  readonly step: number;
  readonly slot: number;
  readonly positions: readonly number[];
  readonly placed: readonly Placed[];
  ordered: number;
  made: number;
};

type Job = { readonly making: Making; readonly blocks: readonly number[] };

export type BatchPlanner = {
  /** Orders what can be ordered. */
  pump(): void;
  /** Orders images alone, of blocks that are at hand. */
  finish(): void;
  /** What a thread answered; failures are the caller's. */
  answered(answer: Exclude<ThreadAnswer, { kind: "failed" }>): void;
  /** An order came to nothing. */
  failed(order: { readonly job: number } | { readonly block: number }): void;
  /** The next step that is not handed out. */
  readonly nextStep: number;
  /** Takes the next step's batch out, if it is made. */
  handOut(): PlannedBatch | null;
  /** A batch that was handed out is no longer looked at. */
  giveBack(slot: number): void;
  /** No image is ordered and unanswered. */
  isQuiet(): boolean;
  /** Nor is a block. */
  isIdle(): boolean;
  /** Goes on from another step; only when quiet. */
  restart(step: number): void;
};

export type BatchPlannerOptions = Pick<
  LoaderOptions,
  "order" | "table" | "seed" | "batch" | "crop" | "shardPaths"
> & {
  readonly share: Share;
  readonly withMasks: boolean;
  readonly slots: number;
  readonly threads: DecodeThreads;
  readonly residents: ResidentBlocks;
  readonly meter: LoaderMeter;
};

export function createBatchPlanner(options: BatchPlannerOptions): BatchPlanner {
  const { order, share, batch, threads, residents, meter } = options;
  const freeSlots = Array.from({ length: options.slots }, (_, i) => i);
  /** By step, those that are not handed out. */
  const makings = new Map<number, Making>();
  const jobs = new Map<number, Job>();
  let jobCount = 0;
  let nextStep = 0;
  let current: Making | null = null;
  let stepToBegin = 0;

  /** The batch whose images are ordered next. */
  function begin(): Making | null {
    const slot = freeSlots.shift();
    if (slot === undefined) return null;
    const step = stepToBegin++;
    const positions = sharePositions(order, share, { batch, step });
    const placed = positions.map((position) => order.at(position));
    const making = { step, slot, positions, placed, ordered: 0, made: 0 };
    makings.set(step, making);
    return making;
  }

  /** Orders the next images of a batch whose blocks are there; false: the first one's is not. */
  function orderGroup(making: Making): boolean {
    const images: ImageOrder[] = [];
    const blocks: number[] = [];
    while (images.length < GROUP && making.ordered < making.placed.length) {
      const index = making.ordered;
      const placed = making.placed[index] as Placed;
      const found = residents.placeOf(placed.block);
      if (!found) break;
      images.push(toImageOrder(options, { placed, index, ...found }));
      blocks.push(placed.block);
      residents.enter(placed.block, making.positions[index] as number);
      making.ordered++;
    }
    if (images.length === 0) return false;
    const job = jobCount++;
    jobs.set(job, { making, blocks });
    threads.decode({ kind: "decode", job, slot: making.slot, images });
    return true;
  }

  /** Not further than an epoch: where everything has room, the uses never end. */
  function fetchAhead(): void {
    const horizon = stepToBegin * batch + order.size;
    while (threads.fetching() < FETCHES_PER_THREAD * threads.count) {
      const fetch = residents.nextFetch(horizon);
      if (!fetch) return;
      threads.fetch(fetch);
    }
  }

  function orderImages(): Obstacle {
    for (;;) {
      current ??= begin();
      if (!current) return "slot";
      if (!orderGroup(current)) return "bytes";
      if (current.ordered === current.placed.length) current = null;
    }
  }

  function isIdle(): boolean {
    return jobs.size === 0 && threads.fetching() === 0;
  }

  /** The job is over, done or not. */
  function endJob(id: number): Job {
    const job = jobs.get(id) as Job;
    jobs.delete(id);
    for (const block of job.blocks) residents.leave(block);
    return job;
  }

  return {
    pump() {
      fetchAhead();
      const obstacle = orderImages();
      // What was ordered last may have left room.
      fetchAhead();
      meter.setIdle(threads.idle(), obstacle);
      if (obstacle === "bytes" && isIdle())
        throw new Error("no room for a block that is needed next");
    },
    finish() {
      meter.setIdle(threads.idle(), orderImages());
    },
    answered(answer) {
      meter.count(answer);
      if (answer.kind === "fetched") {
        const again = residents.fetched(answer.block);
        if (again) threads.fetch(again);
        return;
      }
      endJob(answer.job).making.made += answer.images;
    },
    failed(failedOrder) {
      if ("job" in failedOrder) endJob(failedOrder.job);
      else residents.abandon(failedOrder.block);
    },
    get nextStep() {
      return nextStep;
    },
    handOut() {
      const making = makings.get(nextStep);
      if (!making || making.made < making.placed.length) return null;
      makings.delete(nextStep++);
      return making;
    },
    giveBack(slot) {
      freeSlots.push(slot);
    },
    isQuiet: () => jobs.size === 0,
    isIdle,
    restart(step) {
      for (const { slot } of makings.values()) freeSlots.push(slot);
      makings.clear();
      current = null;
      nextStep = stepToBegin = step;
      residents.follow(order.blocksOf(share, step * batch));
    },
  };
}

function toImageOrder(
  options: BatchPlannerOptions,
  image: {
    readonly placed: Placed;
    readonly index: number;
    readonly place: BlockPlace;
    readonly name: string;
  },
): ImageOrder {
  const { table, order, seed, crop, shardPaths, withMasks } = options;
  const { placed, index, place, name } = image;
  const record = table.record(placed.sample);
  const { width, height, sampleClass, source, mask } = record;
  const block = order.blocks[placed.block] as Block;
  const toRange = (file: {
    readonly offset: number;
    readonly sizeBytes: number;
    readonly crc32: number;
  }): FileRange => ({
    place,
    start: file.offset - block.offset,
    offset: file.offset,
    sizeBytes: file.sizeBytes,
    crc32: file.crc32,
  });
  return {
    index,
    path: shardPaths[block.shard] as string,
    source,
    blockName: name,
    file: toRange(record),
    mask: withMasks && mask ? toRange(mask) : null,
    width,
    height,
    sampleClass,
    placement: placeCrop(crop, record, { ...placed, seed }),
  };
}
