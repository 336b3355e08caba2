/**
 * The port between whoever trains and the threads that fetch, check, decode and crop: uint8 batches, made ahead.
 *
 * Everything about batch k follows from (seed, k): any step can be asked for, by any rank, on any number of threads, after
 * any resume (invariant H); asking in order is what is made ahead.
 */
import type { SampleTable } from "../shards/sample-table.ts";
import type { TrainingOrder } from "../order/training-order.ts";

/** How a whole image becomes a square of `side` × `side` pixels. All numbers follow from (seed, epoch, sample). */
export type Crop = {
  readonly side: number;
  /** What the image is scaled by first (bilinear). */
  readonly scale:
    /** Not at all. */
    | { readonly kind: "none" }
    /** The shorter side becomes an integer uniform in [min, max] (paper, pretraining: 352 to 599). */
    | {
        readonly kind: "shorter-side";
        readonly min: number;
        readonly max: number;
      }
    /** A factor of the original size, uniform in [min, max] (VOC classification: 0.5 to 2). */
    | { readonly kind: "factor"; readonly min: number; readonly max: number }
    /** A rectangle of a fraction of the area and a log-uniform aspect ratio in [1 / ratio, ratio] (Inception-style). */
    | {
        readonly kind: "area";
        readonly min: number;
        readonly max: number;
        readonly ratio: number;
      };
  /** Where the square is taken; images that are smaller are padded on all sides alike. */
  readonly place: "random" | "centre";
  /** Mirror left and right, half of the time. */
  readonly mirror: boolean;
};

export type ImageBatch = {
  readonly step: number;
  /** Images of this rank's part, in the order of their positions. */
  readonly size: number;
  readonly side: number;
  /** [size, side, side, 3], sRGB; padding is GRAY_BYTE in each channel. */
  readonly pixels: Uint8Array;
  /** [size, side, side], class numbers, 255: void and padding; null where the dataset has no masks. */
  readonly masks: Uint8Array | null;
  /** [size], −1: none. */
  readonly labels: Int32Array;
  /** [size], indices into the dataset. */
  readonly samples: Int32Array;
  readonly epochs: Int32Array;
};

export type LoaderOptions = {
  /** Opened again by each thread. */
  readonly storeUrl: string;
  readonly table: SampleTable;
  /** Path in the store of each shard's tar, in the table's order. */
  readonly shardPaths: readonly string[];
  readonly order: TrainingOrder;
  readonly seed: number;
  /** Images of a whole batch, over all ranks. */
  readonly batch: number;
  readonly rank?: number;
  readonly ranks?: number;
  readonly crop: Crop;
  readonly withMasks?: boolean;
  /** Threads that fetch and decode; 0: as many as cores, at most 8. */
  readonly workers?: number;
  /** The first step that will be asked for: what is fetched first. */
  readonly fromStep?: number;
  /** Largest sum of bytes of blocks and batches to hold. */
  readonly maxBytes?: number;
  /** Blocks that were read are kept here up to so many bytes, the oldest unused go first; null: nowhere. */
  readonly cache?: {
    readonly directory: string;
    readonly maxBytes: number;
  } | null;
  readonly signal?: AbortSignal;
};

/** Where time went since the last report, in milliseconds summed over threads, and who waits for whom. */
export type LoaderReport = {
  readonly images: number;
  readonly bytesFetched: number;
  readonly requests: number;
  readonly cacheHits: number;
  readonly fetchMs: number;
  readonly decodeMs: number;
  readonly cropMs: number;
  /** Threads idle: for bytes, and for a free batch. */
  readonly waitForBytesMs: number;
  readonly waitForSlotMs: number;
  /** The training waited for a batch. */
  readonly trainerWaitMs: number;
  readonly heldBytes: number;
  /** Why blocks are no longer kept on disk; null: they are, or there is no cache. */
  readonly cacheProblem: string | null;
  /** What to make faster first. `training`: the loader keeps up. */
  readonly bottleneck: "storage" | "decode" | "training";
};

export type Loader = {
  /** Images per batch of this rank. */
  readonly size: number;
  /**
   * Valid until the second call after it, or until `close`. Throws `data.shard-corrupt`, `data.shard-missing`, `data.loader-cache` (UserError),
   * what the store throws, and StoppedError once the loader is closed or its signal aborted. Asked again after an error,
   * it tries again.
   */
  batch(step: number): Promise<ImageBatch>;
  report(): LoaderReport;
  /** Ends the threads and gives the memory to the next loader; a batch that is waited for is refused. */
  close(): Promise<void>;
};
