import fc from "fast-check";
import { expect, it } from "vitest";
import { readRanges, writeRanges } from "../../src/run/index-ranges.ts";

it("reads what the server writes", () => {
  expect([...readRanges("0-2,7,9-10")]).toEqual([0, 1, 2, 7, 9, 10]);
  expect([...readRanges("")]).toEqual([]);
});

it("writes what it reads, as short as that is", () => {
  expect(writeRanges([0, 1, 2, 7, 9, 10])).toBe("0-2,7,9-10");
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(500)), (indexes) => {
      const sorted = indexes.toSorted((a, b) => a - b);
      expect([...readRanges(writeRanges(sorted))]).toEqual(sorted);
    }),
  );
});
