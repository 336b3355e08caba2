/**
 * All samples of a dataset by their number: the side indices of its shards, one after the other, kept as the bytes they
 * are, so that a million samples cost 48 MB and not a million objects, and threads share them: `memory` can be posted to
 * a thread, which makes its own table of it.
 */
import type { Manifest } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";
import { mapBounded } from "../../base/async.ts";
import type { Catalog } from "../catalog.ts";
import { findDatasetFiles, type ShardFiles } from "../dataset-files.ts";
import {
  INDEX_HEADER_BYTES,
  INDEX_RECORD_BYTES,
  readIndexLabel,
  readIndexRecord,
  type SampleRecord,
} from "./shard-index.ts";

export type SampleTable = {
  readonly size: number;
  readonly shards: readonly TableShard[];
  /** Index of the shard that holds a sample. */
  shardOf(sample: number): number;
  label(sample: number): number;
  record(sample: number): SampleRecord;
};

export type TableShard = {
  /** Number of its first sample. */
  readonly first: number;
  readonly samples: number;
  /** Bytes of the tar. */
  readonly sizeBytes: number;
};

/** What a table is made of: plain values and shared memory, for `postMessage`. */
export type SampleTableMemory = {
  readonly shards: readonly TableShard[];
  /** The records of all samples (`INDEX_RECORD_BYTES` each), in their order. */
  readonly records: SharedArrayBuffer;
};

export type OpenSampleTable = {
  /** SHA-256 of the catalog: the dataset's id. */
  readonly id: string;
  readonly catalog: Catalog;
  readonly table: SampleTable;
  readonly memory: SampleTableMemory;
  /** Where in the store the tar of each of the table's shards lies. */
  readonly shardPaths: readonly string[];
};

const INDICES_AT_ONCE = 8;

/**
 * Reads the indices of a dataset that a catalog task committed; of its first `limit` samples only, if given.
 * @throws UserError `data.shard-corrupt`, `data.shard-missing`, `data.catalog-corrupt`, or the store's `artifact.*`.
 */
export async function openSampleTable(
  store: Store,
  manifest: Manifest,
  options: { readonly limit?: number | undefined } = {},
): Promise<OpenSampleTable> {
  const files = await findDatasetFiles(store, manifest);
  const limit = options.limit ?? files.catalog.samples;
  const taken = takeShards(files.shards, limit);
  // Read first, then add up: what a catalog claims is not worth memory before it is checked.
  const indices = await mapBounded(taken, INDICES_AT_ONCE, (shard) =>
    shard.files.readIndexFile(),
  );
  const size = taken.reduce((sum, { samples }) => sum + samples, 0);
  const records = new SharedArrayBuffer(size * INDEX_RECORD_BYTES);
  for (const [i, { first, samples }] of taken.entries()) {
    const end = INDEX_HEADER_BYTES + samples * INDEX_RECORD_BYTES;
    new Uint8Array(records, first * INDEX_RECORD_BYTES).set(
      (indices[i] as Uint8Array).subarray(INDEX_HEADER_BYTES, end),
    );
  }
  const memory: SampleTableMemory = {
    shards: taken.map(({ first, samples, files: { entry } }) => ({
      first,
      samples,
      sizeBytes: entry.sizeBytes,
    })),
    records,
  };
  return {
    id: files.id,
    catalog: files.catalog,
    table: createSampleTable(memory),
    memory,
    shardPaths: taken.map((shard) => shard.files.path),
  };
}

/** A table over memory that may belong to another thread. */
export function createSampleTable(memory: SampleTableMemory): SampleTable {
  const { shards } = memory;
  const records = Buffer.from(memory.records);
  const size = records.length / INDEX_RECORD_BYTES;
  const check = (sample: number): number => {
    if (Number.isInteger(sample) && sample >= 0 && sample < size) return sample;
    throw new RangeError(`sample ${sample} is outside 0…${size - 1}`);
  };
  return {
    size,
    shards,
    shardOf: (sample) => findShard(shards, check(sample)),
    label: (sample) => readIndexLabel(records, check(sample)),
    record: (sample) => readIndexRecord(records, check(sample)),
  };
}

type TakenShard = {
  readonly files: ShardFiles;
  readonly first: number;
  readonly samples: number;
};

/** The shards that hold the first `limit` samples; an empty one holds none. */
function takeShards(
  shards: readonly ShardFiles[],
  limit: number,
): TakenShard[] {
  const taken: TakenShard[] = [];
  let first = 0;
  for (const files of shards) {
    const samples = Math.min(files.entry.samples, limit - first);
    if (samples <= 0) continue;
    taken.push({ files, first, samples });
    first += samples;
  }
  return taken;
}

/** The last shard that begins at or before the sample. */
function findShard(shards: readonly TableShard[], sample: number): number {
  let [low, high] = [0, shards.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((shards[middle] as TableShard).first <= sample) low = middle;
    else high = middle - 1;
  }
  return low;
}
