import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchAt, sampleAt } from "../../../src/data/order/full-order.ts";

const size = fc.integer({ min: 1, max: 400 });
const seed = fc.integer({ min: 0, max: 2 ** 31 });

const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("full order", () => {
  it("has every sample exactly once in every epoch", () => {
    fc.assert(
      fc.property(size, seed, fc.nat(50), (count, s, epoch) => {
        const order = { seed: s, size: count };
        const samples = all(count).map((i) => {
          const at = sampleAt(order, epoch * count + i);
          expect(at.epoch).toBe(epoch);
          return at.sample;
        });
        expect(sorted(samples)).toEqual(all(count));
      }),
    );
  });

  it("wraps epochs: steps are consecutive positions, whoever computes them and in whatever order", () => {
    fc.assert(
      fc.property(size, seed, fc.integer({ min: 1, max: 64 }), (n, s, b) => {
        const order = { seed: s, size: n, batch: b };
        const steps = Math.ceil((3 * n) / b);
        const backwards = all(steps)
          .toReversed()
          .map((step) => batchAt(order, step))
          .toReversed()
          .flat();
        const want = all(steps * b).map((p) => sampleAt(order, p));
        expect(backwards).toEqual(want);
      }),
    );
  });

  it("differs between epochs and between seeds", () => {
    const epoch = (s: number, e: number) =>
      all(100).map((i) => sampleAt({ seed: s, size: 100 }, e * 100 + i).sample);
    expect(epoch(1, 0)).not.toEqual(epoch(1, 1));
    expect(epoch(1, 0)).not.toEqual(epoch(2, 0));
  });

  it("stays what it was: a change would silently change every run", () => {
    expect(batchAt({ seed: 5, size: 20_000, batch: 6 }, 624))
      .toMatchInlineSnapshot(`
      [
        {
          "epoch": 0,
          "sample": 4423,
        },
        {
          "epoch": 0,
          "sample": 12868,
        },
        {
          "epoch": 0,
          "sample": 4554,
        },
        {
          "epoch": 0,
          "sample": 19195,
        },
        {
          "epoch": 0,
          "sample": 8732,
        },
        {
          "epoch": 0,
          "sample": 6450,
        },
      ]
    `);
  });
});
