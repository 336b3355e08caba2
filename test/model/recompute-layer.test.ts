/**
 * Recomputation changes no bit of the maps and the statistics, in any kind of layer and mode of batch norm, and no more of the gradients
 * than the order in which those of a map with several readers are added.
 */
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { jit } from "../../src/engine/engine.ts";
import { encode, type BatchNormMode } from "../../src/model/encoder.ts";
import {
  encoderDeclarations,
  movableDeclarations,
  statisticsDeclarations,
} from "../../src/model/encoder-weights.ts";
import { networkOf } from "../../src/model/networks.ts";
import { createWeights } from "../../src/model/weights.ts";
import { createVariables, type Variables } from "../../src/train/variables.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../support/engine.ts";

const engine = testEngine();
const SIDE = 32;
const networks = {
  alexnet: networkOf({
    network: "alexnet",
    input: "gray",
    width: 1 / 16,
    depth: 1,
    batchNorm: "parameter-free",
    mode: "convolutional",
    lrn: true,
  }),
  resnet50: networkOf({
    network: "resnet50",
    input: "gray",
    width: 1 / 8,
    depth: 0.5,
    batchNorm: "trainable",
    stride: "1x1",
  }),
};

/** Everything that a step could use of an encoder, by name: maps, statistics, gradients. */
async function outputsOf(
  name: keyof typeof networks,
  batchNorm: BatchNormMode,
  recompute: boolean,
): Promise<Record<string, number[]>> {
  const network = networks[name];
  const form = batchNorm === "folded" ? "folded" : "normalized";
  const variables = createVariables(
    createWeights(
      [
        ...encoderDeclarations(network, form),
        ...statisticsDeclarations(network),
      ],
      3,
    ),
  );
  const call = await jit(
    engine,
    { images: { shape: [2, SIDE, SIDE, 1] } },
    ({ images }) =>
      gradientsOf(network, variables, {
        images_NHWC: images,
        batchNorm,
        recompute,
        movable: movableDeclarations(network, form).map((w) => w.name),
      }),
  );
  const found = await call({ images: pseudoRandom(2 * SIDE * SIDE, 5, 0.3) });
  await call.program.close();
  variables.dispose();
  return Object.fromEntries(
    Object.entries(found).map(([key, { data }]) => [key, [...data]]),
  );
}

function gradientsOf(
  network: (typeof networks)["alexnet"],
  { parameters, byName }: Variables,
  options: {
    readonly images_NHWC: tf.Tensor4D;
    readonly batchNorm: BatchNormMode;
    readonly recompute: boolean;
    readonly movable: readonly string[];
  },
): Record<string, tf.Tensor> {
  const outputs: Record<string, tf.Tensor> = {};
  // Else they would be freed with the gradient's tape.
  const keep = (name: string, tensor: tf.Tensor) => {
    outputs[name] = tf.keep(tf.clone(tensor));
  };
  const { grads } = tf.variableGrads(
    () => {
      const { layers, moments } = encode({
        ...options,
        network,
        parameters,
        dropoutSeed: tf.tensor1d([7, 1], "int32"),
      });
      for (const { name, maps_NHWC } of layers) keep(name, maps_NHWC);
      for (const [name, { mean_C, variance_C }] of moments) {
        keep(`${name} mean`, mean_C);
        keep(`${name} variance`, variance_C);
      }
      const terms = layers.map(({ maps_NHWC }) =>
        tf.mean(tf.square(maps_NHWC)),
      );
      return tf.addN(terms) as tf.Scalar;
    },
    options.movable.map((name) => byName.get(name) as tf.Variable),
  );
  for (const [name, gradient] of Object.entries(grads))
    outputs[`gradient of ${name}`] = gradient;
  return outputs;
}

describe.each([
  ["alexnet", "batch"],
  ["alexnet", "measured"],
  ["resnet50", "batch"],
  ["resnet50", "folded"],
] as const)("%s, batch norm %s", (name, batchNorm) => {
  test("is the same with and without recomputation, dropout and statistics too", async () => {
    const want = await outputsOf(name, batchNorm, false);
    const found = await outputsOf(name, batchNorm, true);
    expect(Object.keys(found)).toEqual(Object.keys(want));
    for (const [key, values] of Object.entries(want))
      if (key.startsWith("gradient of "))
        expect(relativeDifference(found[key] ?? [], values), key).toBeLessThan(
          1e-4,
        );
      else expect(found[key], key).toEqual(values);
    const statistics = Object.keys(want).some((key) => key.endsWith(" mean"));
    expect(statistics).toBe(batchNorm === "batch");
  });
});
