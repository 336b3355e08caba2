import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import {
  classificationLoss,
  histogramLoss,
  regressionLoss,
} from "../../src/model/losses.ts";
import { testEngine } from "../support/engine.ts";

beforeAll(() => {
  testEngine();
});

const numberOf = (scalar: tf.Tensor) => scalar.dataSync()[0] as number;
const ones = (n: number) => tf.ones<tf.Rank.R1>([n]);

describe("the histogram loss (paper, sections 1.4 and 9.3)", () => {
  test.each([8, 16, 32])(
    "a uniform prediction of a one-hot target costs ln K, K = %i",
    (bins) => {
      const loss = histogramLoss({
        logits_PK: tf.zeros([3, bins]),
        targets_PK: tf.oneHot(
          tf.tensor1d([0, 1, bins - 1], "int32"),
          bins,
          1,
          0,
          "float32",
        ) as tf.Tensor2D,
        weights_P: ones(3),
      });
      expect(numberOf(loss)).toBeCloseTo(Math.log(bins), 5);
    },
  );

  test("a prediction that equals its target costs nothing, whatever the target's entropy", () => {
    const targets = tf.tensor2d([
      [0.5, 0.25, 0.25, 0],
      [0.1, 0.2, 0.3, 0.4],
    ]);
    const logits_PK = tf.log<tf.Tensor2D>(tf.maximum(targets, 1e-12));
    const loss = histogramLoss({
      logits_PK,
      targets_PK: targets,
      weights_P: ones(2),
    });
    expect(Math.abs(numberOf(loss))).toBeLessThan(1e-6);
  });

  test("weights scale their sample, and the sum is divided by the number of samples, not of weights", () => {
    const loss = histogramLoss({
      logits_PK: tf.zeros([4, 2]),
      targets_PK: tf.tensor2d([
        [1, 0],
        [1, 0],
        [0, 1],
        [0, 1],
      ]),
      weights_P: tf.tensor1d([0, 0, 0, 3]),
    });
    expect(numberOf(loss)).toBeCloseTo((3 * Math.LN2) / 4, 6);
  });

  test("its gradient is weight · (p − q) / N", () => {
    const targets_PK = tf.tensor2d([
      [0.7, 0.3],
      [0, 1],
    ]);
    const gradient = tf.grad((logits) =>
      histogramLoss({
        logits_PK: logits as tf.Tensor2D,
        targets_PK,
        weights_P: tf.tensor1d([2, 4]),
      }),
    )(tf.zeros([2, 2]));
    [-0.2, 0.2, 1, -1].forEach((want, i) => {
      expect(gradient.dataSync()[i]).toBeCloseTo(want, 6);
    });
  });
});

test("regression is the squared distance per sample, averaged over samples", () => {
  const loss = regressionLoss(
    tf.tensor2d([
      [1, 2],
      [0, 0],
    ]),
    tf.tensor2d([
      [0, 0],
      [3, 4],
    ]),
  );
  expect(numberOf(loss)).toBeCloseTo((5 + 25) / 2, 6);
});

test("classification at zero logits costs ln of the number of classes", () => {
  const loss = classificationLoss(
    tf.zeros([5, 10]),
    tf.tensor1d([0, 3, 9, 1, 1], "int32"),
  );
  expect(numberOf(loss)).toBeCloseTo(Math.log(10), 5);
});
