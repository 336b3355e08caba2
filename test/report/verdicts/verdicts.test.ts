import { describe, expect, it } from "vitest";
import { createSample } from "../../../src/report/create-table.ts";
import type { Sample } from "../../../src/report/value.ts";
import {
  judgeClaim,
  judgeCriteria,
  judgePublished,
} from "../../../src/report/verdicts/verdicts.ts";
import type {
  Pass,
  PublishedFigure,
} from "../../../src/report/verdicts/verdicts.ts";

const style = { unit: "points", digits: 1, over: "seed", paired: true };
const sampleOf = (...values: number[]): Sample | null =>
  createSample(values.map((value, index) => ({ at: String(index), value })));

type ClaimCase = {
  readonly name: string;
  readonly values: readonly number[];
  readonly pass: Pass;
  readonly missing?: readonly string[];
  readonly want: "holds" | "fails" | "undecided";
};

const claimCases: readonly ClaimCase[] = [
  {
    name: "a mean above its bound holds",
    values: [7.8, 8.3, 7.9],
    pass: { mean: { atLeast: 4 } },
    want: "holds",
  },
  {
    name: "a mean exactly at `atLeast` holds",
    values: [4, 4],
    pass: { mean: { atLeast: 4 } },
    want: "holds",
  },
  {
    name: "a mean exactly at `above` fails",
    values: [4, 4],
    pass: { mean: { above: 4 } },
    want: "fails",
  },
  {
    name: "one seed below the bound of every seed fails, however good the mean",
    values: [20, 20, 1.9],
    pass: { mean: { atLeast: 4 }, every: { above: 2 } },
    want: "fails",
  },
  {
    name: "a value outside two-sided bounds fails",
    values: [0.2, 1.4],
    pass: { every: { atLeast: -1, atMost: 1 } },
    want: "fails",
  },
  {
    name: "a difference within two-sided bounds holds",
    values: [0.2, -0.4],
    pass: { every: { above: -1, below: 1 } },
    want: "holds",
  },
  {
    name: "an interval wholly above the bound holds",
    values: [7.8, 8.3, 7.9],
    pass: { ci95: { above: 0 } },
    want: "holds",
  },
  {
    name: "an interval across the bound is undecided",
    values: [3.6, -0.7, -1.1],
    pass: { ci95: { above: 0 } },
    want: "undecided",
  },
  {
    name: "an interval wholly below the bound fails",
    values: [-7.8, -8.3, -7.9],
    pass: { ci95: { above: 0 } },
    want: "fails",
  },
  {
    name: "an interval below its upper bound holds",
    values: [0.1, 0.2, 0.15],
    pass: { ci95: { atMost: 1, atLeast: -1 } },
    want: "holds",
  },
  {
    name: "an interval wholly above an upper bound fails",
    values: [5.1, 5.2, 5.15],
    pass: { ci95: { atMost: 1 } },
    want: "fails",
  },
  {
    name: "one seed has no interval, so its criterion is undecided",
    values: [8],
    pass: { ci95: { above: 0 } },
    want: "undecided",
  },
  {
    name: "nothing measured is undecided",
    values: [],
    pass: { mean: { above: 0 } },
    want: "undecided",
  },
  {
    name: "a missing seed makes an otherwise holding claim undecided",
    values: [7.8, 8.3],
    pass: { mean: { atLeast: 4 } },
    missing: ["'random' lacks 1 of 3 values"],
    want: "undecided",
  },
  {
    name: "a missing seed does not save a failing claim",
    values: [1, 8.3],
    pass: { every: { above: 2 } },
    missing: ["'random' lacks 1 of 3 values"],
    want: "fails",
  },
  {
    name: "a failing criterion outweighs an undecided one",
    values: [1],
    pass: { mean: { above: 2 }, ci95: { above: 0 } },
    want: "fails",
  },
];

describe("a claim", () => {
  it.each(claimCases)("$name", ({ values, pass, missing = [], want }) => {
    const sample = sampleOf(...values);
    const criteria = judgeCriteria(sample, pass, style);
    const { verdict, because } = judgeClaim({
      sample,
      criteria,
      missing,
      style,
    });
    expect(verdict).toBe(want);
    for (const gap of missing) expect(because).toContain(gap);
  });

  it("says the figure, its interval, the criteria and what was found in words", () => {
    const sample = sampleOf(7.8, 8.3, 7.9);
    const criteria = judgeCriteria(
      sample,
      { mean: { atLeast: 4 }, every: { above: 2 }, ci95: { above: 0 } },
      style,
    );
    expect(judgeClaim({ sample, criteria, missing: [], style }).because).toBe(
      "+8.0 points, 95 % interval +7.3 to +8.7, n = 3; mean at least 4.0 points: +8.0 (met); every seed above 2.0 points: +7.8 to +8.3 (met); 95 % interval above 0.0 points: +7.3 to +8.7 (met)",
    );
  });

  it("is judged by all digits, not by those that are printed", () => {
    const [criterion] = judgeCriteria(
      sampleOf(3.96),
      { mean: { atLeast: 4 } },
      style,
    );
    expect(criterion?.found).toBe("+4.0");
    expect(criterion?.verdict).toBe("fails");
  });
});

const figure: PublishedFigure = {
  value: 50,
  plusMinus: null,
  margin: 1,
  higherIsBetter: true,
  unit: "%",
  digits: 1,
};

type PublishedCase = {
  readonly name: string;
  readonly ours: readonly number[];
  readonly change?: Partial<PublishedFigure>;
  readonly want: "reproduced" | "better" | "worse" | "undecided";
};

const publishedCases: readonly PublishedCase[] = [
  {
    name: "an interval inside the margin is reproduced",
    ours: [50.1, 50.2, 50.3],
    want: "reproduced",
  },
  {
    name: "an interval wholly above the margin is better",
    ours: [53.1, 53.2, 53.3],
    want: "better",
  },
  {
    name: "an interval wholly below the margin is worse",
    ours: [47.1, 47.2, 47.3],
    want: "worse",
  },
  {
    name: "above is worse where lower is better",
    ours: [53.1, 53.2, 53.3],
    change: { higherIsBetter: false },
    want: "worse",
  },
  {
    name: "below is better where lower is better",
    ours: [47.1, 47.2, 47.3],
    change: { higherIsBetter: false },
    want: "better",
  },
  {
    name: "an interval across the margin is undecided",
    ours: [50.9, 51.2, 51.3],
    want: "undecided",
  },
  {
    name: "an interval wider than the margin is undecided even around the published value",
    ours: [47, 53, 50],
    want: "undecided",
  },
  {
    name: "one value has no interval and is undecided",
    ours: [50],
    want: "undecided",
  },
  { name: "nothing measured is undecided", ours: [], want: "undecided" },
  {
    name: "the published uncertainty widens the interval",
    ours: [50.1, 50.2, 50.3],
    change: { plusMinus: 1.5 },
    want: "undecided",
  },
  {
    name: "a published uncertainty can turn worse into undecided",
    ours: [47.8, 47.9, 48],
    change: { plusMinus: 2 },
    want: "undecided",
  },
];

describe("a published cell", () => {
  it.each(publishedCases)("$name", ({ ours, change = {}, want }) => {
    const outcome = judgePublished(sampleOf(...ours), { ...figure, ...change });
    expect(outcome.verdict).toBe(want);
    expect(outcome.because).not.toBe("");
  });
});
