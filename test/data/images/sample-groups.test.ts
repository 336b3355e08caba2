import fc from "fast-check";
import { expect, test } from "vitest";
import { groupsOf } from "../../../src/data/images/sample-groups.ts";

const samplesOf = (count: number) =>
  Int32Array.from({ length: count }, (_, i) => 100 + i);

test("samples that fit are one group, in their order", () => {
  expect(groupsOf(samplesOf(5), 5)).toEqual({
    size: 5,
    groups: [{ samples: samplesOf(5), counted: 5 }],
  });
});

test("each group takes every n-th sample, and is filled up where they run out", () => {
  expect(groupsOf(samplesOf(7), 3)).toEqual({
    size: 3,
    groups: [
      { samples: Int32Array.of(100, 103, 106), counted: 3 },
      { samples: Int32Array.of(101, 104, 100), counted: 2 },
      { samples: Int32Array.of(102, 105, 101), counted: 2 },
    ],
  });
});

test("whatever the numbers, every sample counts once and no group is larger than allowed", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 50 }),
      (count, atOnce) => {
        const { size, groups } = groupsOf(samplesOf(count), atOnce);
        expect(size).toBeLessThanOrEqual(atOnce);
        const counted = groups.flatMap((group) => {
          expect(group.samples).toHaveLength(size);
          return [...group.samples.subarray(0, group.counted)];
        });
        expect(counted.toSorted((a, b) => a - b)).toEqual([
          ...samplesOf(count),
        ]);
      },
    ),
  );
});
