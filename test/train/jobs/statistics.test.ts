import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import type { Engine } from "../../../src/engine/engine.ts";
import { encode } from "../../../src/model/encoder.ts";
import { encoderDeclarations } from "../../../src/model/encoder-weights.ts";
import { unitsOf } from "../../../src/model/network.ts";
import { networkOf } from "../../../src/model/networks.ts";
import {
  createWeights,
  weightOf,
  type Weights,
} from "../../../src/model/weights.ts";
import type {
  GrayImages,
  GrayParts,
} from "../../../src/train/jobs/gray-images.ts";
import { createPredictor } from "../../../src/train/jobs/predictor.ts";
import { measureStatistics } from "../../../src/train/jobs/statistics.ts";
import { floatsOf } from "../../../src/train/trainer.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../../support/engine.ts";

let engine: Engine;
beforeAll(() => {
  engine = testEngine();
});

const network = networkOf("conv6");
const images: GrayImages = {
  shape: [8, 16, 16, 1],
  values: pseudoRandom(8 * 16 * 16, 4, 0.3),
};

/** The images in parts, in memory that each part uses again. */
function inParts({ shape, values }: GrayImages, atOnce: number): GrayParts {
  const [count, height, width, channels] = shape;
  const size = height * width * channels;
  const memory = new Float32Array(atOnce * size);
  return {
    shape,
    atOnce,
    async *parts() {
      for (let start = 0; start < count; start += atOnce) {
        const some = values.subarray(start * size, (start + atOnce) * size);
        memory.fill(NaN).set(some);
        yield await Promise.resolve({
          shape: [some.length / size, height, width, channels] as const,
          values: memory.subarray(0, some.length),
        });
      }
    },
  };
}
const whole = inParts(images, 8);

/** Random weights with biases: these shift the means that are measured, and nothing else. */
function weightsWithBiases(): Weights {
  const weights = new Map(createWeights(encoderDeclarations(network), 2));
  for (const { name, width } of unitsOf(network))
    weights.set(`${name}/bias`, {
      shape: [width],
      values: pseudoRandom(width, width, 0.5),
    });
  return weights;
}

test("a model folded with statistics of a batch says of that batch what batch norm says, biases or not", async () => {
  const measured = await measureStatistics({
    engine,
    network,
    weights: weightsWithBiases(),
    images: whole,
  });
  const predictor = await createPredictor({
    engine,
    network,
    weights: measured,
    shape: images.shape,
    outputs: (layers) => ({
      last: layers.at(-1)?.maps_NHWC ?? tf.zeros([0]),
    }),
  });
  const got = floatsOf(await predictor.predict(images.values), "last").slice();
  await predictor.close();
  const want = tf.tidy(() =>
    encode({
      network,
      parameters: (name) => {
        const { shape, values } = weightOf(measured, name);
        return tf.tensor(values, [...shape]);
      },
      images_NHWC: tf.tensor4d(images.values, [...images.shape]),
      batchNorm: "batch",
    })
      .layers.at(-1)
      ?.maps_NHWC.dataSync(),
  );
  expect(relativeDifference(got, want ?? [])).toBeLessThan(1e-4);
  expect(tf.memory().numTensors).toBe(0);
});

test.each([
  ["parts of one size", 4],
  ["a last part that is smaller", 3],
  ["one image at a time", 1],
])(
  "images that do not fit at once give the same statistics: %s",
  async (_name, atOnce) => {
    const weights = weightsWithBiases();
    const together = await measureStatistics({
      engine,
      network,
      weights,
      images: whole,
    });
    const apart = await measureStatistics({
      engine,
      network,
      weights,
      images: inParts(images, atOnce),
    });
    expect([...apart.keys()]).toEqual([...together.keys()]);
    for (const [name, { shape, values }] of together) {
      expect(weightOf(apart, name).shape, name).toEqual(shape);
      expect(
        relativeDifference(weightOf(apart, name).values, values),
        name,
      ).toBeLessThan(1e-4);
    }
    expect(weightOf(apart, "conv3/weight")).toBe(
      weightOf(weights, "conv3/weight"),
    );
    expect(tf.memory().numTensors).toBe(0);
  },
);

test("measuring again replaces the statistics and leaves the weights alone", async () => {
  const weights = weightsWithBiases();
  const once = await measureStatistics({
    engine,
    network,
    weights,
    images: whole,
  });
  const twice = await measureStatistics({
    engine,
    network,
    weights: once,
    images: whole,
  });
  expect([...twice.keys()]).toEqual([...once.keys()]);
  expect(weightOf(twice, "conv3/mean")).toEqual(weightOf(once, "conv3/mean"));
  expect(weightOf(twice, "conv3/weight")).toBe(
    weightOf(weights, "conv3/weight"),
  );
});
