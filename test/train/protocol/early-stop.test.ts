import { expect, test } from "vitest";
import {
  afterScore,
  earlyStopFactor,
  earlyStopStart,
  isScoreDue,
  type EarlyStopRule,
} from "../../../src/train/protocol/early-stop.ts";

const rule: EarlyStopRule = {
  every: 10,
  patience: 2,
  drops: 2,
  factor: 0.1,
  maxSteps: 1000,
};

/** Feeds scores taken every ten steps. */
const follow = (scores: readonly number[], own = rule) =>
  scores.reduce(
    (state, score, i) =>
      afterScore(own, state, { done: (i + 1) * own.every, score }),
    earlyStopStart,
  );

const cases: readonly (readonly [
  string,
  readonly number[],
  { wantDrops: readonly number[]; wantStop: number | null },
])[] = [
  [
    "rising scores never drop the rate",
    [1, 2, 3, 4, 5, 6],
    { wantDrops: [], wantStop: null },
  ],
  [
    "one score without improvement is not a plateau",
    [5, 4, 6],
    { wantDrops: [], wantStop: null },
  ],
  [
    "an equal score is no improvement",
    [5, 5, 5],
    { wantDrops: [30], wantStop: null },
  ],
  [
    "an improvement starts the count again",
    [5, 4, 6, 5, 5],
    { wantDrops: [50], wantStop: null },
  ],
  [
    "the best score outlives a drop",
    [5, 4, 4, 4, 4.9],
    { wantDrops: [30, 50], wantStop: null },
  ],
  [
    "two drops, and the next plateau stops",
    [5, 4, 4, 4, 4, 4, 4],
    { wantDrops: [30, 50], wantStop: 70 },
  ],
  [
    "what comes after the stop changes nothing",
    [5, 4, 4, 4, 4, 4, 4, 9, 1],
    { wantDrops: [30, 50], wantStop: 70 },
  ],
];

test.each(cases)("%s", (_name, scores, { wantDrops, wantStop }) => {
  const state = follow(scores);
  expect(state.dropsAt).toEqual(wantDrops);
  expect(state.stoppedAt).toBe(wantStop);
});

test("without drops the first plateau stops the run", () => {
  const state = follow([3, 2, 2], { ...rule, drops: 0 });
  expect(state).toMatchObject({ dropsAt: [], stoppedAt: 30 });
});

test("the longest run stops even while it improves, and a score is due at its end", () => {
  const short = { ...rule, maxSteps: 25 };
  expect(isScoreDue(short, 20)).toBe(true);
  expect(isScoreDue(short, 24)).toBe(false);
  expect(isScoreDue(short, 25)).toBe(true);
  const state = afterScore(short, follow([1, 2], short), {
    done: 25,
    score: 3,
  });
  expect(state).toMatchObject({ best: 3, stoppedAt: 25 });
});

test("the schedule that was found is replayed: the rate drops at the same steps", () => {
  const state = follow([5, 4, 4, 4, 4, 4, 4]);
  const factors = [0, 29, 30, 49, 50, 69].map((step) =>
    earlyStopFactor(rule, state, step),
  );
  expect(factors).toEqual([1, 1, 0.1, 0.1, 0.1 ** 2, 0.1 ** 2]);
});
