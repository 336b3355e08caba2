import { expect, test } from "vitest";
import {
  countWithin,
  meanCrossEntropy,
  predictedClasses,
  topAccuracy,
} from "../../../src/train/jobs/accuracy.ts";

test("the largest logit of a row is its class, the first of equals", () => {
  expect(predictedClasses([0, 2, 1, 5, 5, 4, -3, -2, -1], 3)).toEqual(
    Int32Array.of(1, 0, 2),
  );
});

test("what is right is counted over the labels' rows", () => {
  const labels = Int32Array.of(1, 0, 0);
  expect(countWithin([0, 1, 1, 0, 0, 1], labels, 1)).toBe(2);
  expect(countWithin([0, 1, 1, 0, 0, 1], labels, 2)).toBe(3);
});

test("cross-entropy is exact for large logits too", () => {
  const labels = Int32Array.of(0, 1);
  expect(meanCrossEntropy([0, 0, 0, 0], labels, 2)).toBeCloseTo(Math.LN2, 12);
  expect(meanCrossEntropy([1000, 0, 1000, 0], labels, 2)).toBeCloseTo(500, 9);
});

test("the label is among the k largest logits, of equal ones among the first", () => {
  const logits = [
    [9, 8, 7, 6, 5, 4],
    [1, 1, 1, 1, 1, 1],
    [0, 0, 0, 0, 0, 1],
    [6, 5, 4, 3, 2, 1],
  ].flat();
  const labels = Int32Array.of(4, 4, 5, 5);
  expect([1, 2, 3, 4, 5, 6].map((k) => topAccuracy(logits, labels, k))).toEqual(
    [0.25, 0.25, 0.25, 0.25, 0.75, 1],
  );
  const columns = 6;
  const one = predictedClasses(logits, columns);
  expect(topAccuracy(logits, one, 1)).toBe(1);
});
