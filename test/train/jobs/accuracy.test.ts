import { expect, test } from "vitest";
import {
  countCorrect,
  meanCrossEntropy,
  predictedClasses,
} from "../../../src/train/jobs/accuracy.ts";

test("the largest logit of a row is its class, the first of equals", () => {
  expect(predictedClasses([0, 2, 1, 5, 5, 4, -3, -2, -1], 3)).toEqual(
    Int32Array.of(1, 0, 2),
  );
});

test("what is right is counted over the labels' rows", () => {
  expect(countCorrect([0, 1, 1, 0, 0, 1], Int32Array.of(1, 0, 0))).toBe(2);
});

test("cross-entropy is exact for large logits too", () => {
  const labels = Int32Array.of(0, 1);
  expect(meanCrossEntropy([0, 0, 0, 0], labels, 2)).toBeCloseTo(Math.LN2, 12);
  expect(meanCrossEntropy([1000, 0, 1000, 0], labels, 2)).toBeCloseTo(500, 9);
});
