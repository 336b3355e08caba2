import { describe, expect, it } from "vitest";
import {
  isMirrored,
  placeOf,
  shiftOf,
} from "../../../src/data/batches/augment.ts";

const occurrences = Array.from({ length: 4000 }, (_, i) => ({
  epoch: Math.floor(i / 1000),
  sample: i % 1000,
}));

describe("augmentation by counter", () => {
  it("mirrors half of the samples, and not the same half in every epoch", () => {
    const mirrored = occurrences.map((at) => isMirrored(7, at));
    const share = mirrored.filter(Boolean).length / mirrored.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.03);
    expect(mirrored.slice(0, 1000)).not.toEqual(mirrored.slice(1000, 2000));
  });

  it("shifts by every amount within reach about equally often, each direction on its own", () => {
    const counts = new Map<string, number>();
    for (const at of occurrences) {
      const { dy, dx } = shiftOf(7, at, 1);
      counts.set(`${dy},${dx}`, (counts.get(`${dy},${dx}`) ?? 0) + 1);
    }
    expect(counts.size).toBe(9);
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(4000 / 9 - 100);
      expect(count).toBeLessThan(4000 / 9 + 100);
    }
  });

  it("samples places uniformly inside the border and reaches both ends", () => {
    const area = { width: 32, height: 20, border: 3 };
    const places = occurrences.map((at, k) => placeOf(7, at, k % 32, area));
    const range = (values: readonly number[]) => [
      Math.min(...values),
      Math.max(...values),
    ];
    expect(range(places.map(({ y }) => y))).toEqual([3, 16]);
    expect(range(places.map(({ x }) => x))).toEqual([3, 28]);
  });

  it("gives the same numbers whatever was drawn before", () => {
    const at = { epoch: 3, sample: 17 };
    const area = { width: 32, height: 32, border: 3 };
    const first = [shiftOf(1, at, 4), placeOf(1, at, 5, area)];
    occurrences.forEach((other) => placeOf(1, other, 0, area));
    expect([shiftOf(1, at, 4), placeOf(1, at, 5, area)]).toEqual(first);
    expect(placeOf(2, at, 5, area)).not.toEqual(first[1]);
  });
});
