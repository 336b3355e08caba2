/** Scores gathered image by image become curves and averages class by class. */
import { expect, test } from "vitest";
import { createRanking } from "../../../src/train/scores/ranking.ts";
import {
  averagePrecision,
  precisionRecall,
} from "../../../src/train/scores/average-precision.ts";

/** [scores, marks] of three classes: 1 shows it, -1 does not, 0 nobody can tell. */
const images = [
  [
    [0.9, 0.1, 5],
    [1, -1, -1],
  ],
  [
    [0.8, 0.7, 4],
    [-1, 1, -1],
  ],
  [
    [0.7, 0.6, 3],
    [1, 0, -1],
  ],
] as const;

function gather() {
  const ranking = createRanking(3);
  for (const [scores, marks] of images) ranking.add(scores, marks);
  return ranking;
}
const column = (of: 0 | 1, label: number) =>
  images.map((image) => image[of][label] as number);

test("each class has the curve and the precision of its own column", () => {
  const ranking = gather();
  for (const label of [0, 1, 2]) {
    const want = precisionRecall(column(0, label), column(1, label));
    expect(ranking.curve(label)).toEqual(want);
    expect(ranking.each()[label]).toEqual(averagePrecision(want));
  }
});

test("of two right images in the places 1 and 3, the step-wise precision is 5/6; an image that nobody can tell does not count", () => {
  const [first, second] = gather().each();
  expect(first?.stepWise).toBeCloseTo((1 + 2 / 3) / 2, 12);
  expect(second?.stepWise).toBeCloseTo(1, 12);
});

test("the mean is over classes that some image shows; without any there is none", () => {
  expect(gather().mean()?.stepWise).toBeCloseTo((5 / 6 + 1) / 2, 12);
  const nothing = createRanking(2);
  nothing.add([1, 2], [-1, -1]);
  expect(nothing.mean()).toBeNull();
});

test("what was added before is not changed by asking", () => {
  const ranking = gather();
  const want = ranking.each();
  ranking.mean();
  expect(ranking.each()).toEqual(want);
  ranking.add([1, 1, 1], [1, 1, 1]);
  expect(ranking.each()).not.toEqual(want);
});
