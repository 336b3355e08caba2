/**
 * The downstream tasks against PyTorch and NumPy, on the numbers that scripts/reference/downstream.py wrote: losses with their
 * gradients, dense inference, scores. Relative errors are of the largest value.
 */
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { Activation } from "../../src/model/encoder.ts";
import { headOutput, hiddenDense } from "../../src/model/heads.ts";
import {
  maskedClassificationLoss,
  maskedSigmoidLoss,
} from "../../src/model/losses.ts";
import { enlarge, pixelGrid, squareGrid } from "../../src/model/resample.ts";
import {
  averagePrecision,
  precisionRecall,
} from "../../src/train/scores/average-precision.ts";
import {
  countPixelsInPlace,
  createConfusion,
  scoreSegmentation,
} from "../../src/train/scores/confusion.ts";
import {
  correlationOf,
  mergePairs,
  noPairs,
} from "../../src/train/scores/correlation.ts";
import { relativeDifference, testEngine } from "../support/engine.ts";

type Stored = { readonly shape: number[]; readonly values: number[] };
type Golden = {
  readonly segmentationLoss: {
    readonly logits: Stored;
    readonly labels: number[];
    readonly loss: number;
    readonly gradient: Stored;
  };
  readonly sigmoidLoss: {
    readonly logits: Stored;
    readonly targets: Stored;
    readonly weights: Stored;
    readonly loss: number;
    readonly gradient: Stored;
  };
  readonly denseInference: {
    readonly side: number;
    readonly layers: { readonly stride: number; readonly maps_NHWC: Stored }[];
    readonly hidden: { readonly weight: Stored; readonly bias: Stored };
    readonly classes: { readonly weight: Stored; readonly bias: Stored };
    readonly logits_NHWK: Stored;
    readonly predicted: number[];
  };
  readonly averagePrecision: {
    readonly scores: number[];
    readonly marks: number[];
    readonly stepWise: number;
    readonly elevenPoint: number;
  }[];
  readonly meanIou: {
    readonly classes: number;
    readonly truth: number[];
    readonly predicted: number[];
    readonly iou: (number | null)[];
    readonly miou: number;
    readonly pixelAccuracy: number;
  };
  readonly pearson: {
    readonly before: Stored;
    readonly after: Stored;
    readonly correlation: (number | null)[];
  };
};

const golden = JSON.parse(
  readFileSync(
    new URL("../golden/reference/downstream.json", import.meta.url),
    "utf8",
  ),
) as Golden;

beforeAll(() => {
  testEngine();
});

const toTensor = <R extends tf.Rank>({ shape, values }: Stored) =>
  tf.tensor<R>(values, shape as tf.ShapeMap[R], "float32");
const VOID = 255;

describe("losses and their gradients", () => {
  test("softmax cross-entropy over places that are not void", () => {
    const { logits, labels, loss, gradient } = golden.segmentationLoss;
    const known = labels.map((label) => (label === VOID ? 0 : 1));
    const of = (logits_PK: tf.Tensor2D) =>
      maskedClassificationLoss(
        logits_PK,
        tf.tensor1d(
          labels.map((label) => (label === VOID ? 0 : label)),
          "int32",
        ),
        tf.tensor1d(known),
      );
    const logits_PK = toTensor<tf.Rank.R2>(logits);
    expect(relativeDifference(of(logits_PK).dataSync(), [loss])).toBeLessThan(
      1e-5,
    );
    const found = tf
      .grad((x) => of(x as tf.Tensor2D))(logits_PK)
      .dataSync();
    expect(relativeDifference(found, gradient.values)).toBeLessThan(1e-5);
  });

  test("sigmoid cross-entropy over classes that somebody can tell, at logits of zero too", () => {
    const { logits, targets, weights, loss, gradient } = golden.sigmoidLoss;
    const of = (logits_PK: tf.Tensor2D) =>
      maskedSigmoidLoss(logits_PK, toTensor(targets), toTensor(weights));
    const logits_PK = toTensor<tf.Rank.R2>(logits);
    expect(relativeDifference(of(logits_PK).dataSync(), [loss])).toBeLessThan(
      1e-5,
    );
    const found = tf
      .grad((x) => of(x as tf.Tensor2D))(logits_PK)
      .dataSync();
    expect(relativeDifference(found, gradient.values)).toBeLessThan(1e-5);
  });

  test("without any place that counts, the loss is 0 and moves nothing", () => {
    const of = (x: tf.Tensor) =>
      maskedClassificationLoss(
        x as tf.Tensor2D,
        tf.tensor1d([0, 0], "int32"),
        tf.zeros([2]),
      );
    const logits = tf.tensor2d([
      [1, 2],
      [3, -4],
    ]);
    expect(of(logits).dataSync()[0]).toBe(0);
    const moved = tf.grad(of)(logits).dataSync();
    expect(moved.every((value) => value === 0)).toBe(true);
  });
});

test("dense inference on a grid of stride 4: nearest for finer layers, bilinear for coarser ones", () => {
  const { side, layers, hidden, classes, logits_NHWK } = golden.denseInference;
  const activations = layers.map(({ stride, maps_NHWC }): Activation => {
    const maps = toTensor<tf.Rank.R4>(maps_NHWC);
    return {
      name: `s${stride}`,
      stride,
      offset: (stride - 1) / 2,
      width: maps.shape[3],
      receptiveField: 1,
      maps_NHWC: maps,
    };
  });
  const weights: Readonly<Record<string, Stored>> = {
    "head/hidden/weight": hidden.weight,
    "head/hidden/bias": hidden.bias,
    "head/classes/weight": classes.weight,
    "head/classes/bias": classes.bias,
  };
  const parameters = (name: string) => toTensor(weights[name] as Stored);
  const grid = squareGrid([side, side], 4);
  const rows = headOutput(
    hiddenDense(activations, parameters, grid),
    parameters,
    "classes",
  );
  const onGrid = tf.reshape<tf.Rank.R4>(rows, [-1, 4, 4, rows.shape[1]]);
  const full = enlarge(onGrid, grid, pixelGrid([side, side]));
  expect(full.shape).toEqual(logits_NHWK.shape);
  expect(relativeDifference(full.dataSync(), logits_NHWK.values)).toBeLessThan(
    1e-5,
  );
  expect([...tf.argMax(full, 3).dataSync()]).toEqual(
    golden.denseInference.predicted,
  );
});

describe("scores", () => {
  test("average precision, step-wise and at eleven recalls, with ties and unknown images", () => {
    for (const { scores, marks, ...want } of golden.averagePrecision) {
      const found = averagePrecision(precisionRecall(scores, marks));
      expect(found.stepWise).toBeCloseTo(want.stepWise, 10);
      expect(found.elevenPoint).toBeCloseTo(want.elevenPoint, 10);
    }
  });

  test("intersection over union from one confusion matrix", () => {
    const { classes, truth, predicted, ...want } = golden.meanIou;
    const confusion = createConfusion(classes);
    countPixelsInPlace(confusion, Uint8Array.from(truth), predicted);
    const { pixels, ...found } = scoreSegmentation(confusion);
    expect(found).toEqual(want);
    expect(pixels).toBe(truth.filter((label) => label !== VOID).length);
  });

  test("the correlation of each channel before and after, over all places", () => {
    const { before, after, correlation } = golden.pearson;
    const channels = before.shape.at(-1) as number;
    const column = ({ values }: Stored, channel: number) =>
      values.filter((_, i) => i % channels === channel);
    for (const [channel, want] of correlation.entries()) {
      const ys = column(after, channel);
      const moments = column(before, channel)
        .map((x, i) => ({ ...noPairs, count: 1, meanX: x, meanY: ys[i] ?? 0 }))
        .reduce(mergePairs, noPairs);
      const found = correlationOf(moments);
      if (want === null) expect(found).toBeNull();
      else expect(found).toBeCloseTo(want, 7);
    }
  });
});
