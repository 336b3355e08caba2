/**
 * All samples of a dataset by their number: the side indices of its shards, one after the other, kept as the bytes they
 * are, so that a million samples cost 48 MB and not a million objects, and threads share them.
 */
import type { SampleRecord } from "./shard-index.ts";

export type SampleTable = {
  readonly size: number;
  readonly shards: readonly {
    /** Number of its first sample. */
    readonly first: number;
    readonly samples: number;
    /** Bytes of the tar. */
    readonly sizeBytes: number;
  }[];
  /** Index of the shard that holds a sample. */
  shardOf(sample: number): number;
  label(sample: number): number;
  record(sample: number): SampleRecord;
};
