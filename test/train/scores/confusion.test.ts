import fc from "fast-check";
import { expect, test } from "vitest";
import {
  countPixelsInPlace,
  createConfusion,
  scoreSegmentation,
} from "../../../src/train/scores/confusion.ts";

const score = (
  classes: number,
  truth: readonly number[],
  predicted: readonly number[],
) => {
  const confusion = createConfusion(classes);
  countPixelsInPlace(confusion, Uint8Array.from(truth), predicted);
  return scoreSegmentation(confusion);
};

test("intersection over union counts a pixel on both sides of a mistake, and void pixels on neither", () => {
  const scores = score(3, [0, 0, 1, 1, 2, 255], [0, 1, 1, 1, 0, 2]);
  expect(scores.iou).toEqual([1 / 3, 2 / 3, 0]);
  expect(scores.miou).toBeCloseTo(1 / 3, 12);
  expect(scores.pixelAccuracy).toBe(3 / 5);
  expect(scores.pixels).toBe(5);
});

test("a class that does not occur has no score, even where it is predicted", () => {
  const scores = score(4, [0, 0, 1, 1], [0, 3, 1, 1]);
  expect(scores.iou).toEqual([1 / 2, 1, null, null]);
  expect(scores.miou).toBe(3 / 4);
});

test("background everywhere scores its own share over the number of classes that occur: 3.5 % on VOC (paper, section 9.3)", () => {
  // 73 % of VOC's pixels are background; the rest is spread over 20 classes.
  const truth = Array.from({ length: 10_000 }, (_, i) =>
    i < 7300 ? 0 : 1 + (i % 20),
  );
  const { miou, iou } = score(
    21,
    truth,
    truth.map(() => 0),
  );
  expect(iou[0]).toBeCloseTo(0.73, 12);
  expect(iou.slice(1).every((value) => value === 0)).toBe(true);
  expect(100 * miou).toBeCloseTo(73 / 21, 10);
  expect(100 * miou).toBeCloseTo(3.5, 1);
});

test("the matrix of a set is one matrix: pixels may come in any order and in any parts", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1 }),
      fc.nat(),
      (pixels, at) => {
        const cut = at % pixels.length;
        const parts = createConfusion(4);
        for (const part of [pixels.slice(cut), pixels.slice(0, cut)])
          countPixelsInPlace(
            parts,
            Uint8Array.from(part.map(([truth]) => truth)),
            part.map(([, predicted]) => predicted),
          );
        const whole = createConfusion(4);
        countPixelsInPlace(
          whole,
          Uint8Array.from(pixels.map(([truth]) => truth)),
          pixels.map(([, predicted]) => predicted),
        );
        expect(parts.counts).toEqual(whole.counts);
        const { miou } = scoreSegmentation(whole);
        expect(miou).toBeGreaterThanOrEqual(0);
        expect(miou).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test("a class that there is not, and a set without a pixel that counts, are errors", () => {
  expect(() => score(2, [2], [0])).toThrow("class 2 is outside 0…1");
  expect(() => score(2, [255], [0])).toThrow("no pixel was counted");
});
