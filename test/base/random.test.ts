import fc from "fast-check";
import { expect, test } from "vitest";
import {
  below,
  hash32,
  permute,
  streamOf,
  uniform,
} from "../../src/base/random.ts";

test("a draw depends on every word and on their order", () => {
  const draws = [
    hash32(1, 2, 3),
    hash32(1, 3, 2),
    hash32(1, 2),
    hash32(1, 2, 3, 0),
    hash32(0, 2, 3),
  ];
  expect(new Set(draws).size).toBe(draws.length);
  expect(hash32(1, 2, 3)).toBe(hash32(1, 2, 3));
});

test("numbers that decide artifacts stay what they are", () => {
  // Changing one of these changes the bytes of artifacts: raise the contracts of the kinds that draw.
  expect([hash32(), hash32(0), hash32(5, 7)]).toMatchInlineSnapshot(`
    [
      2654435769,
      1033816887,
      932186638,
    ]
  `);
  expect(streamOf("labels")).toMatchInlineSnapshot(`3185185930`);
  expect(Array.from({ length: 8 }, (_, i) => permute(i, 8, 5)))
    .toMatchInlineSnapshot(`
    [
      5,
      0,
      7,
      2,
      1,
      4,
      3,
      6,
    ]
  `);
});

test("uniform numbers are in [0, 1), with the mean and variance of their kind", () => {
  const n = 100_000;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const u = uniform(11, i);
    expect(u >= 0 && u < 1).toBe(true);
    sum += u;
    squares += u * u;
  }
  expect(sum / n).toBeCloseTo(1 / 2, 2);
  expect(squares / n).toBeCloseTo(1 / 3, 2);
});

test("neighbouring counters are not correlated", () => {
  const n = 50_000;
  let product = 0;
  for (let i = 0; i < n; i++)
    product += (uniform(3, i) - 0.5) * (uniform(3, i + 1) - 0.5);
  expect(Math.abs(product / n)).toBeLessThan(0.002);
});

test("integers below n meet every value about equally often", () => {
  const counts = Array.from({ length: 7 }, () => 0);
  for (let i = 0; i < 70_000; i++) {
    const k = below(7, 2, i);
    counts[k] = (counts[k] ?? 0) + 1;
  }
  for (const count of counts)
    expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test("a permutation is a bijection for any size and seed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(), (size, seed) => {
      const seen = new Set<number>();
      for (let i = 0; i < size; i++) seen.add(permute(i, size, seed));
      expect(seen.size).toBe(size);
      expect(Math.min(...seen)).toBe(0);
      expect(Math.max(...seen)).toBe(size - 1);
    }),
    { numRuns: 50 },
  );
});

test("different seeds shuffle differently, and no place is a favourite", () => {
  const size = 16;
  const first = Array.from({ length: size }, () => 0);
  for (let seed = 0; seed < 16_000; seed++) {
    const at = permute(0, size, seed);
    first[at] = (first[at] ?? 0) + 1;
  }
  for (const count of first) expect(Math.abs(count - 1000)).toBeLessThan(200);
});

test("an index outside the permutation is refused", () => {
  expect(() => permute(4, 4, 1)).toThrow(RangeError);
  expect(() => permute(-1, 4, 1)).toThrow(RangeError);
  expect(() => permute(0.5, 4, 1)).toThrow(RangeError);
});
