import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { takeSpread } from "../../../src/data/sources/take-spread.ts";

const items = fc
  .array(fc.integer({ min: -1, max: 5 }), { minLength: 1, maxLength: 80 })
  .map((labels) => labels.map((label, i) => ({ label, i })));

describe("a limit on a source", () => {
  it("takes as many as it says, each once, in their order, of every class alike", () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 90 }), (all, limit) => {
        const taken = takeSpread(all, limit);
        expect(taken).toHaveLength(Math.min(limit, all.length));
        const numbers = taken.map(({ i }) => i);
        expect(numbers).toEqual(
          [...new Set(numbers)].toSorted((a, b) => a - b),
        );
        const count = (list: readonly { label: number }[], label: number) =>
          list.filter((item) => item.label === label).length;
        const labels = [...new Set(all.map(({ label }) => label))];
        const most = Math.max(...labels.map((label) => count(taken, label)));
        for (const label of labels)
          expect(count(taken, label)).toBeGreaterThanOrEqual(
            Math.min(most - 1, count(all, label)),
          );
      }),
    );
  });

  it("spreads what it takes of a class over the class", () => {
    const all = Array.from({ length: 100 }, (_, i) => ({ label: -1, i }));
    expect(takeSpread(all, 4).map(({ i }) => i)).toEqual([0, 25, 50, 75]);
  });
});
