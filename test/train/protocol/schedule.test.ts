import { expect, test } from "vitest";
import { learningRateFactor } from "../../../src/train/protocol/schedule.ts";

const cosine = { kind: "cosine", warmup: 0.05 } as const;

test("cosine warms up over the first 5 % and then falls along half a cosine to almost zero", () => {
  const at = (step: number) => learningRateFactor(cosine, step, 1000);
  expect(at(0)).toBeCloseTo(1 / 50, 6);
  expect(at(24)).toBeCloseTo(
    0.5 * 0.5 * (1 + Math.cos((24 * Math.PI) / 1000)),
    9,
  );
  expect(at(49)).toBeCloseTo(0.5 * (1 + Math.cos((49 * Math.PI) / 1000)), 9);
  expect(at(500)).toBeCloseTo(0.5, 9);
  expect(at(999)).toBeLessThan(1e-5);
  for (let step = 50; step < 999; step++)
    expect(at(step + 1)).toBeLessThan(at(step));
});

test.each([
  ["before the first drop", 499, 1],
  ["at the first drop", 500, 0.1],
  ["at the second", 750, 0.01],
  ["at the last step", 999, 0.001],
])("steps: %s the factor is right", (_when, step, want) => {
  const steps = {
    kind: "steps",
    at: [0.5, 0.75, 0.875],
    factor: 0.1,
    warmup: 0,
  } as const;
  expect(learningRateFactor(steps, step, 1000)).toBeCloseTo(want, 12);
});

test("steps can warm up too, and constant never changes", () => {
  const steps = { kind: "steps", at: [], factor: 0.1, warmup: 0.1 } as const;
  expect(learningRateFactor(steps, 4, 100)).toBeCloseTo(0.5, 12);
  expect(learningRateFactor(steps, 10, 100)).toBe(1);
  for (const step of [0, 7, 99])
    expect(learningRateFactor({ kind: "constant" }, step, 100)).toBe(1);
});

test("without warm-up the first step has the full rate, however short the run", () => {
  expect(learningRateFactor({ kind: "cosine", warmup: 0 }, 0, 1)).toBe(1);
});
