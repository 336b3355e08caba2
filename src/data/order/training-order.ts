/**
 * The order in which a training reads a dataset, as arithmetic: no buffer, no iterator, no state (invariant H).
 *
 * Position q of the endless order lies in epoch floor(q / N); batch k of size B has the positions k·B … k·B + B − 1, so a
 * batch may span two epochs and every epoch has each of the N samples exactly once. Rank r of R takes the positions q
 * with q mod R = r: the whole batch is the same for every R that divides B and the streams.
 *
 * Two kinds, by the bytes of the samples' files, so that the choice is a property of the data and not of a machine:
 * - `full`: one shuffle of everything, for what fits in memory (at most `FULL_SHUFFLE_BYTES`);
 * - `streams`: C canonical streams, each a contiguous share of the samples of the seed's permutation of the shards, cut
 *   into blocks of about 16 MiB that are one range read each. An epoch permutes the blocks of a stream and the samples
 *   within a block. Position p of an epoch is sample floor(p / C) of stream p mod C, so R ranks, R dividing C, each
 *   read the blocks of C / R streams and no others.
 */
import type { SampleTable } from "../shards/sample-table.ts";

/** Part of a run's identity: raise it when the same seed gives another order. */
export const ORDER_VERSION = 2;
export const FULL_SHUFFLE_BYTES = 256 * 2 ** 20;
export const BLOCK_BYTES = 16 * 2 ** 20;
export const DEFAULT_STREAMS = 64;

/** Samples whose files lie further apart than this are not read by one request. */
export const LARGEST_GAP_BYTES = 64 * 2 ** 10;

/** What is read by one range request: neighbouring samples of one shard. */
export type Block = {
  readonly id: number;
  /** Index into the dataset's shards. */
  readonly shard: number;
  /** Range of the shard's tar. */
  readonly offset: number;
  readonly length: number;
  /** Samples of the order's own list that lie in it: `first` … `first + count − 1`. */
  readonly first: number;
  readonly count: number;
};

export type Occurrence = {
  readonly epoch: number;
  /** Index into the dataset (not into a list of samples). */
  readonly sample: number;
};

export type Placed = Occurrence & {
  /** Id of the block that holds it. */
  readonly block: number;
};

/** A block, and the positions of the endless order at which a share of it needs the block. */
export type BlockUse = {
  readonly block: Block;
  /** Of this share, at or after the position that was asked from. */
  readonly first: number;
  /** Infinity: the block stays needed. */
  readonly last: number;
};

/** Who reads which part of every batch. */
export type Share = { readonly rank: number; readonly ranks: number };

export type TrainingOrder = {
  readonly kind: "full" | "streams";
  /** Samples an epoch, N. */
  readonly size: number;
  /** Canonical streams, C: 1 for `full`. */
  readonly streams: number;
  /** By id. Those of `full` cover the samples too: what is read once, before the first batch. */
  readonly blocks: readonly Block[];
  /** CRC-32 of the numbers of the samples that take part: two lists that differ are two orders. */
  readonly samplesCrc32: number;
  /** What stands at position q of the endless order. */
  at(position: number): Placed;
  /**
   * The blocks in the order in which a share first needs them from a position on, without end; of `full` each block
   * once. A block comes again in each epoch that needs it.
   * @throws UserError `data.ranks`, as `sharePositions`.
   */
  blocksOf(share: Share, fromPosition: number): IterableIterator<BlockUse>;
};

export type OrderOptions = {
  readonly table: SampleTable;
  /** Samples that take part, ascending; default: all. */
  readonly samples?: Int32Array;
  readonly seed: number;
  /**
   * Streams of a large dataset, at least as many as ranks. Fewer samples than streams: its largest divisor that leaves
   * each stream a sample.
   */
  readonly streams?: number;
  /** Largest sum of bytes that is shuffled as one. Part of what the order is. */
  readonly fullShuffleBytes?: number;
  /** Bytes a block has at least, where its shard has as many. Part of what the order is. */
  readonly blockBytes?: number;
};
