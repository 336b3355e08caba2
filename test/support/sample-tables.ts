/** Tables of samples that lie nowhere: for tests of what depends on sizes and places alone. */
import {
  createSampleTable,
  type SampleTable,
} from "../../src/data/shards/sample-table.ts";
import {
  encodeShardIndex,
  INDEX_HEADER_BYTES,
  INDEX_RECORD_BYTES,
  SampleClass,
} from "../../src/data/shards/shard-index.ts";

/** Bytes of a tar between the file of a sample and that of the next. */
const BETWEEN_BYTES = 1536;

/** A table of shards with so many samples each. Sample i has label i mod 10 and `bytesOf(i)` bytes. */
export function createTestTable(options: {
  readonly shards: readonly number[];
  readonly bytesOf: (sample: number) => number;
}): SampleTable {
  const size = options.shards.reduce((sum, samples) => sum + samples, 0);
  const records = new SharedArrayBuffer(size * INDEX_RECORD_BYTES);
  let first = 0;
  const shards = options.shards.map((samples) => {
    let end = 512;
    const index = encodeShardIndex({
      shardBytes: 0,
      shardCrc32: 0,
      samples: Array.from({ length: samples }, (_, i) => {
        const sizeBytes = options.bytesOf(first + i);
        const offset = end;
        end += sizeBytes + BETWEEN_BYTES;
        return {
          ...plain,
          source: first + i,
          offset,
          sizeBytes,
          label: (first + i) % 10,
        };
      }),
    });
    new Uint8Array(records, first * INDEX_RECORD_BYTES).set(
      index.subarray(INDEX_HEADER_BYTES),
    );
    const shard = { first, samples, sizeBytes: end };
    first += samples;
    return shard;
  });
  return createSampleTable({ shards, records });
}

const plain = {
  width: 32,
  height: 32,
  sampleClass: SampleClass.jpegColor,
  crc32: 0,
  mask: null,
};
