import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  combineByPlace,
  summarize,
  tQuantile975,
} from "../../../src/report/verdicts/statistics.ts";

describe("tQuantile975", () => {
  // Incomplete beta function to 30 digits; the first five are in every printed table.
  it.each([
    [1, 12.7062047362],
    [2, 4.30265272975],
    [4, 2.7764451052],
    [9, 2.2621571628],
    [30, 2.0422724563],
    [31, 2.0395134464],
    [40, 2.02107539031],
    [100, 1.98397151852],
    [1000, 1.96233908083],
  ])("is right to six digits for %i degrees of freedom", (df, want) => {
    expect(tQuantile975(df)).toBeCloseTo(want, 6);
  });

  it("falls with every degree of freedom, also where the table ends", () => {
    for (let df = 1; df < 60; df++)
      expect(tQuantile975(df + 1)).toBeLessThan(tQuantile975(df));
  });

  it("refuses less than one degree of freedom", () => {
    expect(() => tQuantile975(0)).toThrow(RangeError);
    expect(() => tQuantile975(1.5)).toThrow(RangeError);
  });
});

describe("summarize", () => {
  it("gives mean, sample deviation and the interval of Student's t", () => {
    // Differences of the study's encoder A at 50 labels; its printed summary is 8.0 ± 0.7.
    const { n, mean, sd, interval } = summarize([7.8, 8.3, 7.9]);
    expect(n).toBe(3);
    expect(mean).toBeCloseTo(8, 10);
    expect(sd).toBeCloseTo(0.26457513, 7);
    expect(interval?.[0]).toBeCloseTo(8 - 0.657242, 5);
    expect(interval?.[1]).toBeCloseTo(8 + 0.657242, 5);
  });

  it("says of one value its mean alone: spread and interval are unknown, not zero", () => {
    expect(summarize([3])).toEqual({ n: 1, mean: 3, sd: null, interval: null });
  });

  it("refuses to summarize nothing", () => {
    expect(() => summarize([])).toThrow(RangeError);
  });

  it("moves with its values and keeps their spread", () => {
    const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), {
      minLength: 2,
      maxLength: 12,
    });
    const shift = fc.integer({ min: -50, max: 50 });
    fc.assert(
      fc.property(values, shift, (numbers, by) => {
        const before = summarize(numbers);
        const after = summarize(numbers.map((value) => value + by));
        expect(after.mean).toBeCloseTo(before.mean + by, 8);
        expect(after.sd).toBeCloseTo(before.sd as number, 8);
      }),
    );
  });
});

describe("combineByPlace", () => {
  const at = (place: string, value: number) => ({ at: place, value });
  const difference = ([left = 0, right = 0]: readonly number[]) => left - right;

  it("combines values of the same seed, whatever their order", () => {
    const combined = combineByPlace(
      [
        [at("5", 10), at("6", 20)],
        [at("6", 1), at("5", 2)],
      ],
      difference,
    );
    expect(combined).toEqual({
      values: [at("5", 8), at("6", 19)],
      unpaired: [],
    });
  });

  it("takes any number of arms", () => {
    const arms = [[at("5", 1)], [at("5", 2)], [at("5", 4)], [at("5", 8)]];
    const combined = combineByPlace(arms, ([a = 0, b = 0, c = 0, d = 0]) =>
      [a, b, c, d].reduce((text, digit) => text * 10 + digit, 0),
    );
    expect(combined).toEqual({ values: [at("5", 1248)], unpaired: [] });
  });

  it("names the seeds that an arm lacks", () => {
    const combined = combineByPlace(
      [
        [at("5", 10), at("6", 20)],
        [at("6", 1), at("7", 2)],
      ],
      difference,
    );
    expect(combined).toEqual({
      values: [at("6", 19)],
      unpaired: ["5", "7"],
    });
  });
});
