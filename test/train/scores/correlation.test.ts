import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  correlationOf,
  mergePairs,
  noPairs,
  quartilesOf,
  type PairMoments,
} from "../../../src/train/scores/correlation.ts";

/** Moments of all pairs at once. */
function momentsOf(pairs: readonly (readonly [number, number])[]): PairMoments {
  const mean = (of: (pair: readonly [number, number]) => number) =>
    pairs.reduce((sum, pair) => sum + of(pair), 0) / pairs.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  return {
    count: pairs.length,
    meanX,
    meanY,
    varianceX: mean(([x]) => (x - meanX) ** 2),
    varianceY: mean(([, y]) => (y - meanY) ** 2),
    covariance: mean(([x, y]) => (x - meanX) * (y - meanY)),
  };
}

describe("correlation", () => {
  test("is 1 for a line that rises, −1 for one that falls, and null where nothing varies", () => {
    const line = (slope: number) =>
      correlationOf(momentsOf([1, 2, 3, 5].map((x) => [x, slope * x + 7])));
    expect(line(2)).toBeCloseTo(1, 12);
    expect(line(-0.5)).toBeCloseTo(-1, 12);
    expect(line(0)).toBeNull();
  });

  test("of parts that are merged is that of all pairs, however they are cut", () => {
    const number = fc.integer({ min: -1000, max: 1000 });
    const pairs = fc.array(fc.tuple(number, number), { minLength: 3 });
    fc.assert(
      fc.property(pairs, fc.nat(), (all, at) => {
        const cut = 1 + (at % (all.length - 1));
        const parts = [all.slice(0, cut), all.slice(cut)].map(momentsOf);
        const merged = parts.reduce(mergePairs, noPairs);
        const want = momentsOf(all);
        for (const [name, value] of Object.entries(want))
          expect(merged[name as keyof PairMoments]).toBeCloseTo(value, 6);
      }),
    );
  });
});

test("quartiles lie linearly between the sorted values", () => {
  expect(quartilesOf([4, 1, 3, 2])).toEqual({
    lowerQuartile: 1.75,
    median: 2.5,
    upperQuartile: 3.25,
  });
  expect(quartilesOf([7])).toEqual({
    lowerQuartile: 7,
    median: 7,
    upperQuartile: 7,
  });
  expect(quartilesOf([])).toBeNull();
});
