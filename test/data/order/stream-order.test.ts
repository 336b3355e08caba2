import { describe, expect, it } from "vitest";
import { createTrainingOrder } from "../../../src/data/order/create-training-order.ts";
import type { TrainingOrder } from "../../../src/data/order/training-order.ts";
import { createTestTable } from "../../support/sample-tables.ts";

const SIZE = 12_800;
const BATCH = 64;
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Shards that are mixed as the packer mixes them: sample i has label i mod 10. 32 shards, 256 blocks. */
const table = createTestTable({
  shards: all(32).map(() => SIZE / 32),
  bytesOf: () => 10_000,
});
const createOrder = (seed: number) =>
  createTrainingOrder({
    table,
    seed,
    fullShuffleBytes: 0,
    blockBytes: 500_000,
  });
const samplesOf = (order: TrainingOrder, epoch: number) =>
  all(SIZE).map((p) => order.at(epoch * SIZE + p).sample);

describe("the shuffle of an order in streams", () => {
  it("mixes classes: each batch has about as many of each as a shuffle of everything would", () => {
    const order = createOrder(1);
    const counts = all(10).map(() => ({ sum: 0, squares: 0 }));
    for (let step = 0; step < SIZE / BATCH; step++) {
      const labels = all(BATCH).map((i) =>
        table.label(order.at(step * BATCH + i).sample),
      );
      for (const [label, count] of counts.entries()) {
        const found = labels.filter((of) => of === label).length;
        count.sum += found;
        count.squares += found * found;
      }
    }
    const batches = SIZE / BATCH;
    for (const { sum, squares } of counts) {
      const mean = sum / batches;
      expect(mean).toBeCloseTo(BATCH / 10, 6);
      // A binomial draw has 64 · 0.1 · 0.9 = 5.76.
      const variance = squares / batches - mean * mean;
      expect(variance).toBeGreaterThan(3.5);
      expect(variance).toBeLessThan(8.5);
    }
  });

  it("draws each batch from as many blocks as there are streams, all over the dataset", () => {
    const order = createOrder(1);
    for (const step of [0, 57, 199]) {
      const placed = all(BATCH).map((i) => order.at(step * BATCH + i));
      expect(new Set(placed.map(({ block }) => block)).size).toBe(64);
      const shards = new Set(placed.map(({ sample }) => table.shardOf(sample)));
      expect(shards.size).toBe(32);
    }
  });

  it("is another one in each epoch and for each seed: positions agree no more often than by chance", () => {
    const first = samplesOf(createOrder(1), 0);
    const alike = (other: readonly number[]) =>
      first.filter((sample, p) => other[p] === sample).length;
    // A sample stays in its stream, which has 200: 64 agree by chance. Another seed deals the shards anew.
    expect(alike(samplesOf(createOrder(1), 1))).toBeLessThan(100);
    expect(alike(samplesOf(createOrder(2), 0))).toBeLessThan(20);
  });

  it("moves neighbours apart: samples of a block that follow each other seldom do so in the next epoch", () => {
    const order = createOrder(1);
    const successors = (epoch: number) => {
      const samples = samplesOf(order, epoch);
      return new Set(
        samples.slice(64).map((sample, p) => `${samples[p]}>${sample}`),
      );
    };
    const first = successors(0);
    const again = [...successors(1)].filter((pair) => first.has(pair));
    expect(again.length).toBeLessThan(SIZE / 20);
  });

  it("reads the blocks of a stream one after the other, whichever epoch", () => {
    const order = createOrder(1);
    for (const epoch of [0, 3]) {
      const seen: number[] = [];
      for (let p = 5; p < SIZE; p += 64) {
        const { block } = order.at(epoch * SIZE + p);
        if (seen.at(-1) !== block) seen.push(block);
      }
      expect(new Set(seen).size).toBe(seen.length);
    }
  });

  it("stays what it was: a change needs another version of the order", () => {
    const order = createOrder(5);
    expect(all(8).map((p) => order.at(7 * SIZE + 9000 + p)))
      .toMatchInlineSnapshot(`
      [
        {
          "block": 162,
          "epoch": 7,
          "sample": 9744,
        },
        {
          "block": 165,
          "epoch": 7,
          "sample": 9873,
        },
        {
          "block": 169,
          "epoch": 7,
          "sample": 4890,
        },
        {
          "block": 175,
          "epoch": 7,
          "sample": 5160,
        },
        {
          "block": 178,
          "epoch": 7,
          "sample": 1733,
        },
        {
          "block": 180,
          "epoch": 7,
          "sample": 1809,
        },
        {
          "block": 186,
          "epoch": 7,
          "sample": 7738,
        },
        {
          "block": 189,
          "epoch": 7,
          "sample": 7865,
        },
      ]
    `);
  });
});
