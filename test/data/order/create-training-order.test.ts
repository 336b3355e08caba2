import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTrainingOrder } from "../../../src/data/order/create-training-order.ts";
import { sampleAt } from "../../../src/data/order/full-order.ts";
import { sharePositions } from "../../../src/data/order/share.ts";
import type {
  Block,
  BlockUse,
  OrderOptions,
  TrainingOrder,
} from "../../../src/data/order/training-order.ts";
import { createTestTable } from "../../support/sample-tables.ts";

const all = (count: number) => Array.from({ length: count }, (_, i) => i);
const sorted = (values: Iterable<number>) =>
  [...values].toSorted((a, b) => a - b);

/** Small tables in streams: shards of any length, files of any size, some samples left out. */
const streamOptions = fc
  .record({
    shards: fc.array(fc.nat(40), { minLength: 1, maxLength: 8 }),
    sizes: fc.array(fc.integer({ min: 1, max: 90_000 }), {
      minLength: 1,
      maxLength: 7,
    }),
    leftOut: fc.array(fc.nat(319), { maxLength: 60 }),
    seed: fc.nat(),
    streams: fc.constantFrom(1, 2, 6, 16, 64),
    blockBytes: fc.constantFrom(1, 20_000, 300_000),
  })
  .map(({ shards, sizes, leftOut, ...rest }): OrderOptions => {
    const table = createTestTable({
      shards: [...shards, 1],
      bytesOf: (i) => sizes[i % sizes.length] as number,
    });
    const out = new Set(leftOut);
    const samples = all(table.size).filter((i) => i === 0 || !out.has(i));
    return {
      table,
      samples: Int32Array.from(samples),
      fullShuffleBytes: 0,
      ...rest,
    };
  });

const epochOf = (order: TrainingOrder, epoch: number) =>
  all(order.size).map((p) => order.at(epoch * order.size + p));

describe("an order in streams", () => {
  it("has every sample of the list exactly once in every epoch", () => {
    fc.assert(
      fc.property(streamOptions, fc.nat(20), (options, epoch) => {
        const order = createTrainingOrder(options);
        expect(order.kind).toBe("streams");
        const placed = epochOf(order, epoch);
        expect(new Set(placed.map((at) => at.epoch))).toEqual(new Set([epoch]));
        expect(sorted(placed.map(({ sample }) => sample))).toEqual([
          ...(options.samples as Int32Array),
        ]);
      }),
    );
  });

  it("holds each sample in the block that it names, inside the block's range of its shard", () => {
    fc.assert(
      fc.property(streamOptions, (options) => {
        const order = createTrainingOrder(options);
        const counts = new Map<number, number>();
        for (const { sample, block } of epochOf(order, 1)) {
          const { id, shard, offset, length } = order.blocks[
            block
          ] as (typeof order.blocks)[number];
          expect(id).toBe(block);
          expect(shard).toBe(options.table.shardOf(sample));
          const record = options.table.record(sample);
          expect(record.offset).toBeGreaterThanOrEqual(offset);
          expect(record.offset + record.sizeBytes).toBeLessThanOrEqual(
            offset + length,
          );
          counts.set(block, (counts.get(block) ?? 0) + 1);
        }
        expect(counts.size).toBe(order.blocks.length);
        for (const { id, count } of order.blocks)
          expect(counts.get(id)).toBe(count);
      }),
    );
  });

  it("gives any position alone what it gives it in sequence", () => {
    fc.assert(
      fc.property(streamOptions, fc.nat(), (options, start) => {
        const order = createTrainingOrder(options);
        const from = start % (5 * order.size);
        const inSequence = all(3 * order.size).map((i) => order.at(from + i));
        const backwards = all(3 * order.size)
          .toReversed()
          .map((i) => createdOnce(options).at(from + i))
          .toReversed();
        expect(backwards).toEqual(inSequence);
      }),
      { numRuns: 30 },
    );
  });

  it("lists the blocks of a share where the share first and last reads them, in that order", () => {
    fc.assert(
      fc.property(streamOptions, fc.nat(), fc.nat(), (options, a, b) => {
        const order = createTrainingOrder(options);
        const divisors = all(17).filter(
          (r) => r > 0 && order.streams % r === 0,
        );
        const ranks = divisors[a % divisors.length] as number;
        const share = { rank: b % ranks, ranks };
        const from = b % (3 * order.size);
        const want = usesByReading(order, share, from);
        const found: BlockUse[] = [];
        for (const use of order.blocksOf(share, from)) {
          if (use.first >= endOfNext(order, from)) break;
          found.push(use);
        }
        expect(
          found.map(({ block, first, last }) => [block.id, first, last]),
        ).toEqual(want);
      }),
    );
  });

  it("lets as many ranks as divide its streams read the same batches", () => {
    fc.assert(
      fc.property(streamOptions, fc.nat(9), (options, step) => {
        const order = createTrainingOrder({ ...options, streams: 64 });
        const batch = 32;
        const whole = all(batch).map((i) => order.at(step * batch + i));
        for (const ranks of [1, 2, 4, 8, 16]) {
          if (order.streams % ranks !== 0) continue;
          const parts = all(ranks).flatMap((rank) =>
            sharePositions(order, { rank, ranks }, { batch, step }),
          );
          expect(parts.length).toBe(batch);
          expect(sorted(parts).map((q) => order.at(q))).toEqual(whole);
        }
      }),
    );
  });
});

const created = new WeakMap<OrderOptions, TrainingOrder>();
/** One order for options: what it remembers of one position must not show at another. */
function createdOnce(options: OrderOptions): TrainingOrder {
  const order = created.get(options) ?? createTrainingOrder(options);
  created.set(options, order);
  return order;
}

const endOfNext = (order: TrainingOrder, from: number) =>
  (Math.floor(from / order.size) + 2) * order.size;

/** [block, first, last] for each epoch and block, by reading every position of two epochs. */
function usesByReading(
  order: TrainingOrder,
  share: { readonly rank: number; readonly ranks: number },
  from: number,
): number[][] {
  const uses = new Map<string, number[]>();
  for (let q = from; q < endOfNext(order, from); q++) {
    if (q % share.ranks !== share.rank) continue;
    const { epoch, block } = order.at(q);
    const use = uses.get(`${epoch}/${block}`) ?? [block, q, q];
    use[2] = q;
    uses.set(`${epoch}/${block}`, use);
  }
  return [...uses.values()];
}

describe("an order that is one shuffle", () => {
  const table = createTestTable({ shards: [30, 0, 25], bytesOf: () => 5000 });

  it("is the shuffle of a list that small studies have always read", () => {
    const samples = Int32Array.from([3, 4, 9, 20, 30, 31, 32, 54]);
    for (const list of [undefined, samples]) {
      const order = createTrainingOrder({
        table,
        seed: 7,
        ...(list && { samples: list }),
      });
      expect(order.kind).toBe("full");
      const size = list?.length ?? table.size;
      for (let position = 0; position < 3 * size; position++) {
        const { epoch, sample } = sampleAt({ seed: 7, size }, position);
        const want = { epoch, sample: list?.[sample] ?? sample };
        expect(order.at(position)).toMatchObject(want);
      }
    }
  });

  it("names the block of each sample, and every block from the first position on for ever", () => {
    const order = createTrainingOrder({ table, seed: 7, blockBytes: 40_000 });
    expect(order.blocks.length).toBeGreaterThan(4);
    for (const { sample, block } of epochOf(order, 2)) {
      const { first, count } = order.blocks[block] as Block;
      expect(sample).toBeGreaterThanOrEqual(first);
      expect(sample).toBeLessThan(first + count);
    }
    const share = { rank: 2, ranks: 3 };
    expect([...order.blocksOf(share, 100)]).toEqual(
      order.blocks.map((block) => ({ block, first: 100, last: Infinity })),
    );
  });

  it("ends where the files' bytes pass the limit", () => {
    const at = (fullShuffleBytes: number) =>
      createTrainingOrder({ table, seed: 0, fullShuffleBytes }).kind;
    expect(at(55 * 5000)).toBe("full");
    expect(at(55 * 5000 - 1)).toBe("streams");
  });
});

describe("blocks", () => {
  it("have the size of a request or more where the shard has as much, and are cut evenly", () => {
    const table = createTestTable({
      shards: [400, 400],
      bytesOf: (i) => 20_000 + ((i * 7919) % 10_000),
    });
    const blockBytes = 1_000_000;
    const order = createTrainingOrder({
      table,
      seed: 1,
      fullShuffleBytes: 0,
      streams: 2,
      blockBytes,
    });
    const bytes = order.blocks.reduce((sum, { length }) => sum + length, 0);
    expect(order.blocks.length).toBeLessThanOrEqual(bytes / blockBytes);
    for (const { length } of order.blocks) {
      expect(length).toBeGreaterThan(blockBytes * 0.95);
      expect(length).toBeLessThan(blockBytes * 1.3);
    }
  });

  it("end where the next file that is wanted lies more than 64 KiB on", () => {
    const table = createTestTable({ shards: [40], bytesOf: () => 30_000 });
    const samples = Int32Array.from([0, 1, 3, 7, 8]);
    const order = createTrainingOrder({ table, samples, seed: 1 });
    expect(order.blocks.map(({ first, count }) => [first, count])).toEqual([
      [0, 3],
      [3, 2],
    ]);
  });
});

describe("an order", () => {
  const table = createTestTable({ shards: [10, 10], bytesOf: () => 5000 });

  it("has no more streams than samples, and as many as divide what was asked for", () => {
    const streams = (count: number) =>
      createTrainingOrder({
        table,
        samples: Int32Array.from(all(count)),
        seed: 0,
        fullShuffleBytes: 0,
      }).streams;
    expect([1, 2, 3, 7, 8, 15, 16, 20].map(streams)).toEqual([
      1, 2, 2, 4, 8, 8, 16, 16,
    ]);
  });

  it("is refused over nothing, over a list that does not ascend, and over shards whose samples overlap", () => {
    const create = (samples: readonly number[]) => () =>
      createTrainingOrder({
        table,
        samples: Int32Array.from(samples),
        seed: 0,
      });
    expect(create([])).toThrow(expect.objectContaining({ code: "data.empty" }));
    expect(create([1, 1])).toThrow(RangeError);
    expect(create([1, 20])).toThrow(RangeError);
    const overlapping = {
      ...table,
      record: (sample: number) => ({ ...table.record(sample), offset: 512 }),
    };
    expect(() => createTrainingOrder({ table: overlapping, seed: 0 })).toThrow(
      expect.objectContaining({ code: "data.shard-corrupt" }),
    );
  });

  it("tells lists apart by their checksum", () => {
    const crc = (samples: readonly number[]) =>
      createTrainingOrder({ table, samples: Int32Array.from(samples), seed: 0 })
        .samplesCrc32;
    expect(crc([1, 2])).not.toBe(crc([1, 3]));
    expect(crc(all(20))).toBe(
      createTrainingOrder({ table, seed: 3 }).samplesCrc32,
    );
  });
});
