import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { partRange, sourceAt } from "../../../src/data/order/packing-order.ts";

const size = fc.integer({ min: 1, max: 400 });
const seed = fc.integer({ min: 0, max: 2 ** 31 });

const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("packing order", () => {
  it("hold every item of the source exactly once, in parts that differ by at most one", () => {
    fc.assert(
      fc.property(size, seed, fc.nat(20), (n, order, extra) => {
        const count = 1 + (extra % n);
        const ranges = all(count).map((index) =>
          partRange(n, { index, count }),
        );
        const sizes = ranges.map(({ start, end }) => end - start);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const items = ranges.flatMap(({ start, end }) =>
          all(end - start).map((i) =>
            sourceAt({ position: start + i, size: n, order }),
          ),
        );
        expect(sorted(items)).toEqual(all(n));
      }),
    );
  });

  it("stays what it was: a change would silently change every dataset", () => {
    expect(
      all(6).map((position) => sourceAt({ position, size: 1000, order: 0 })),
    ).toMatchInlineSnapshot(`
      [
        878,
        729,
        123,
        933,
        770,
        976,
      ]
    `);
  });
});
