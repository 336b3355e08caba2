import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  averagePrecision,
  meanAveragePrecision,
  precisionRecall,
} from "../../../src/train/scores/average-precision.ts";

const score = (scores: readonly number[], marks: readonly number[]) =>
  averagePrecision(precisionRecall(scores, marks));

describe("average precision", () => {
  test("step-wise it is the mean of the precisions at each image that shows the class", () => {
    // Ranked: shown, not, shown, not: precisions 1 and 2/3.
    const { stepWise, positives } = score([0.9, 0.8, 0.7, 0.1], [1, 0, 1, 0]);
    expect(stepWise).toBeCloseTo((1 + 2 / 3) / 2, 12);
    expect(positives).toBe(2);
  });

  test("at eleven recalls it takes the best precision from each recall on", () => {
    const { elevenPoint } = score([0.9, 0.8, 0.7, 0.1], [1, 0, 1, 0]);
    // Recalls 0 to 0.5 see precision 1, those from 0.6 on 2/3.
    expect(elevenPoint).toBeCloseTo((6 * 1 + 5 * (2 / 3)) / 11, 12);
  });

  test("a perfect ranking is 1 and the worst one is as bad as the numbers allow", () => {
    expect(score([3, 2, 1, 0], [1, 1, 0, 0])).toMatchObject({
      stepWise: 1,
      elevenPoint: 1,
    });
    expect(score([0, 1, 2, 3], [1, 0, 0, 0]).stepWise).toBe(1 / 4);
  });

  test("ties go against the class, so that a constant score is no better than its share", () => {
    const { stepWise } = score([5, 5, 5, 5], [1, 0, 0, 1]);
    expect(stepWise).toBeCloseTo(1 / 2, 12);
    expect(score([5, 5], [1, 0]).stepWise).toBe(1 / 2);
  });

  test("images of which nobody can tell do not count", () => {
    const without = score([0.9, 0.7, 0.1], [1, 1, 0]);
    expect(score([0.9, 0.8, 0.7, 0.1], [1, 255, 1, 0])).toEqual(without);
  });

  test("a class that no image shows has no score, and the mean is over the others", () => {
    const none = score([1, 2], [0, 0]);
    expect(none).toEqual({ stepWise: null, elevenPoint: null, positives: 0 });
    const half = score([5, 5], [1, 0]);
    expect(meanAveragePrecision([none, half])).toMatchObject({
      stepWise: 1 / 2,
      classes: 1,
    });
    expect(meanAveragePrecision([none])).toBeNull();
  });

  test("it depends on the ranking alone, whatever the order and the scale of the scores", () => {
    const images = fc.array(fc.tuple(fc.nat(1000), fc.nat(1)), {
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(images, (pairs) => {
        const scores = pairs.map(([value]) => value);
        const marks = pairs.map(([, mark]) => mark);
        const found = score(scores, marks);
        const turned = score(
          scores.map((value) => 3 * value + 7).toReversed(),
          marks.toReversed(),
        );
        expect(turned).toEqual(found);
      }),
    );
  });
});
