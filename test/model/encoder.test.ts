import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { encode, type BatchNormMode } from "../../src/model/encoder.ts";
import {
  encoderDeclarations,
  foldStatistics,
} from "../../src/model/encoder-weights.ts";
import { unitsOf } from "../../src/model/network.ts";
import { networkOf } from "../../src/model/networks.ts";
import {
  createWeights,
  weightOf,
  type Weights,
} from "../../src/model/weights.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../support/engine.ts";

beforeAll(() => {
  testEngine();
});

const conv6 = networkOf("conv6");
const units = unitsOf(conv6);
const SIDE = 24;
const images = (count: number) =>
  tf.tensor4d(pseudoRandom(count * SIDE * SIDE, 3, 0.25), [
    count,
    SIDE,
    SIDE,
    1,
  ]);

const run = (
  weights: Weights,
  batchNorm: BatchNormMode,
  images_NHWC: tf.Tensor4D,
) =>
  encode({
    network: conv6,
    parameters: (name) => {
      const { shape, values } = weightOf(weights, name);
      return tf.tensor(values, [...shape]);
    },
    images_NHWC,
    batchNorm,
  });

/** Random weights and biases, and the statistics of a batch, as `measureStatistics` records them. */
function measuredWeights(images_NHWC: tf.Tensor4D): Weights {
  const first = createWeights(encoderDeclarations(conv6), 11);
  const weights = new Map(first);
  units.forEach(({ name, width }, i) =>
    weights.set(`${name}/bias`, {
      shape: [width],
      values: pseudoRandom(width, i, 0.3),
    }),
  );
  const { moments } = run(weights, "batch", images_NHWC);
  units.forEach(({ name, width }) => {
    const bias = weightOf(weights, `${name}/bias`).values;
    const mean = moments.get(name)?.mean_C.dataSync() as Float32Array;
    weights.set(`${name}/mean`, {
      shape: [width],
      values: mean.map((value, c) => value + (bias[c] as number)),
    });
    weights.set(`${name}/variance`, {
      shape: [width],
      values: moments.get(name)?.variance_C.dataSync() as Float32Array,
    });
  });
  return weights;
}

test("every layer has the side and width of the declaration, and batch norm gives it mean 0 and variance 1 before ReLU", () => {
  const weights = createWeights(encoderDeclarations(conv6), 1);
  const { layers, moments } = run(weights, "batch", images(4));
  expect(layers.map(({ maps_NHWC }) => maps_NHWC.shape)).toEqual([
    [4, 24, 24, 16],
    [4, 12, 12, 32],
    [4, 6, 6, 64],
    [4, 6, 6, 64],
    [4, 3, 3, 128],
    [4, 3, 3, 128],
  ]);
  expect(moments.size).toBe(6);
  // Half of a standardized layer is cut off: E[relu²] = 1/2 if it were normal.
  for (const { maps_NHWC } of layers) {
    const square = tf.mean(tf.square(maps_NHWC)).dataSync()[0] as number;
    expect(square).toBeGreaterThan(0.35);
    expect(square).toBeLessThan(0.65);
  }
});

test("the reported variance is divided by the number of values, like the one that normalizes", () => {
  const weights = createWeights(encoderDeclarations(conv6), 1);
  const batch = images(1);
  const { moments } = run(weights, "batch", batch);
  const { shape, values } = weightOf(weights, "conv1/weight");
  const maps = tf.conv2d(
    batch,
    tf.tensor4d(values, shape as [number, number, number, number]),
    1,
    "same",
  );
  const want = tf.moments(maps, [0, 1, 2]);
  const got = moments.get("conv1");
  expect(
    relativeDifference(
      got?.variance_C.dataSync() as Float32Array,
      want.variance.dataSync(),
    ),
  ).toBeLessThan(1e-5);
  expect(
    relativeDifference(
      got?.mean_C.dataSync() as Float32Array,
      want.mean.dataSync(),
    ),
  ).toBeLessThan(1e-4);
});

test("batch statistics, measured statistics of the same batch, and folded weights give the same maps", () => {
  const batch = images(6);
  const weights = measuredWeights(batch);
  const own = run(weights, "batch", batch).layers;
  const measured = run(weights, "measured", batch).layers;
  const folded = run(foldStatistics(conv6, weights), "folded", batch).layers;
  own.forEach(({ maps_NHWC }, i) => {
    const want = maps_NHWC.dataSync();
    for (const other of [measured, folded])
      expect(
        relativeDifference(other[i]?.maps_NHWC.dataSync() ?? [], want),
      ).toBeLessThan(1e-5);
  });
});

test("folding leaves the outputs of other images unchanged too", () => {
  const weights = measuredWeights(images(6));
  const others = tf.mul<tf.Tensor4D>(images(3), 1.7);
  const measured = run(weights, "measured", others).layers.at(-1);
  const folded = run(foldStatistics(conv6, weights), "folded", others);
  expect(
    relativeDifference(
      folded.layers.at(-1)?.maps_NHWC.dataSync() ?? [],
      measured?.maps_NHWC.dataSync() ?? [0],
    ),
  ).toBeLessThan(1e-5);
});
