import { expect, test } from "vitest";
import type { Image } from "../../../src/data/pixels/image.ts";
import {
  createColorScorer,
  toGrayImage,
} from "../../../src/stages/evaluate/_color-scores.ts";
import {
  encodeConfusion,
  scoreClassification,
} from "../../../src/stages/evaluate/_classification-scores.ts";

const imageOf = (...pixels: readonly number[]): Image => ({
  width: pixels.length / 3,
  height: 1,
  pixels: Uint8Array.from(pixels),
});

test("equal pictures have no error in colour and a finite, high PSNR", () => {
  const scorer = createColorScorer();
  scorer.add(imageOf(10, 20, 30), imageOf(10, 20, 30));
  expect(scorer.scores().rmse).toBe(0);
  expect(scorer.scores().psnr).toBeCloseTo(20 * Math.log10(510), 6);
});

test("RMSE is in the opponent axes: a difference in lightness alone does not count", () => {
  const scorer = createColorScorer();
  scorer.add(imageOf(60, 60, 60), imageOf(10, 10, 10));
  expect(scorer.scores().rmse).toBe(0);
});

test("RMSE of pure red against gray is that of α = −1/2 and β = 1; PSNR is of all channels", () => {
  const scorer = createColorScorer();
  scorer.add(imageOf(85, 85, 85), imageOf(255, 0, 0));
  expect(scorer.scores().rmse).toBeCloseTo(Math.sqrt(0.25 + 1), 6);
  const mse = ((2 / 3) ** 2 + 2 * (1 / 3) ** 2) / 3;
  expect(scorer.scores().psnr).toBeCloseTo(-10 * Math.log10(mse), 6);
});

test("RMSE is taken over all pixels, PSNR averaged over pictures", () => {
  const scorer = createColorScorer();
  scorer.add(imageOf(85, 85, 85), imageOf(255, 0, 0));
  scorer.add(
    imageOf(0, 0, 0, 0, 0, 0, 0, 0, 0),
    imageOf(0, 0, 0, 0, 0, 0, 0, 0, 0),
  );
  expect(scorer.scores().rmse).toBeCloseTo(Math.sqrt(1.25 / 4), 6);
});

test("a photograph without its colours has its mean gray", () => {
  expect(toGrayImage(imageOf(255, 0, 0, 1, 2, 3)).pixels).toEqual(
    Uint8Array.of(85, 85, 85, 2, 2, 2),
  );
});

test("the confusion matrix has a row per true class; a class without images has no accuracy", () => {
  const scores = scoreClassification(
    Int32Array.of(0, 0, 1, 1),
    Int32Array.of(0, 1, 1, 1),
    3,
  );
  expect(scores).toEqual({
    accuracy: 0.75,
    perClass: [0.5, 1, null],
    confusion: [
      [1, 1, 0],
      [0, 2, 0],
      [0, 0, 0],
    ],
  });
  const csv = new TextDecoder().decode(
    encodeConfusion(["cat", 'a "big", dog', "x"], scores),
  );
  expect(csv).toBe(
    'true,cat,"a ""big"", dog",x\ncat,1,1,0\n"a ""big"", dog",0,2,0\nx,0,0,0\n',
  );
});
