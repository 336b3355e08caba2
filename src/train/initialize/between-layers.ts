/**
 * Whole layers scaled against each other so that all learn at the same rate: the gradient of a random linear loss is everywhere the
 * same in relation to the weights (Krähenbühl et al., 2016, section 3.2).
 *
 * A layer's weights times s make its ratio of gradient to weight s² times smaller. Without batch norm the next layer gives the scale
 * back, so that the whole stays the same function: biases are scaled by what their layer's output is, and the scales of a chain have
 * the product 1. Behind batch norm a scale is no part of the function. Local response normalization takes scales over nearly as they
 * are; what is left of the difference goes in further rounds.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  createProgram,
  randomUniform,
  stepFunction,
  type Engine,
} from "../../engine/engine.ts";
import { encode, type Activation } from "../../model/encoder.ts";
import {
  movableDeclarations,
  normalizedUnits,
} from "../../model/encoder-weights.ts";
import { unitsOf, type Network } from "../../model/network.ts";
import { pickWeights, weightOf, type Weights } from "../../model/weights.ts";
import type { GrayImages } from "../jobs/gray-images.ts";
import { floatsOf } from "../trainer.ts";
import { createVariables } from "../variables.ts";

const MOST_ROUNDS = 10;
/** Ratios that differ by less than this factor are alike. */
const ALIKE = 1.01;

export type LayerRates = {
  /** Root mean square of the gradient over that of the weights, by convolution. */
  ratios(): Promise<ReadonlyMap<string, number>>;
  write(weights: Weights): Promise<void>;
  close(): Promise<void>;
};

/** The weights with layers scaled until all ratios are alike, on these images. */
export async function equalizeRates(options: {
  readonly engine: Engine;
  readonly network: Network;
  readonly weights: Weights;
  readonly images: GrayImages;
  readonly seed: number;
}): Promise<Weights> {
  const rates = await createLayerRates(options);
  let { weights } = options;
  try {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const scales = scalesOf(options.network, await rates.ratios());
      const largest = Math.max(
        ...[...scales.values()].map((scale) => Math.abs(Math.log(scale))),
      );
      if (2 * largest < Math.log(ALIKE)) break;
      weights = scaleLayers(options.network, weights, scales);
      await rates.write(weights);
    }
    return weights;
  } finally {
    await rates.close();
  }
}

/** Compiles the measurement. The loss is that of numbers of mean 0 and variance 1 as the gradient of the last layer. */
export async function createLayerRates(options: {
  readonly engine: Engine;
  readonly network: Network;
  readonly weights: Weights;
  readonly images: GrayImages;
  readonly seed: number;
}): Promise<LayerRates> {
  const { engine, network, images, seed } = options;
  const declared = movableDeclarations(network, "normalized");
  const variables = createVariables(pickWeights(options.weights, declared));
  const names = unitsOf(network).map(({ name }) => name);
  const filters = names.map(
    (name) => variables.byName.get(`${name}/weight`) as tf.Variable,
  );
  const measure = stepFunction(
    { images: { shape: images.shape }, seed: { shape: [2], dtype: "int32" } },
    (tensors) => {
      const { grads } = tf.variableGrads(() => {
        const { layers } = encode({
          network,
          parameters: variables.parameters,
          images_NHWC: tensors.images,
          batchNorm: "batch",
        });
        const { maps_NHWC } = layers.at(-1) as Activation;
        const source = { seed: tensors.seed, stream: 0 };
        const draws = tf.sub(randomUniform(maps_NHWC.shape, source), 0.5);
        return tf.sum(tf.mul(maps_NHWC, draws));
      }, filters);
      return Object.fromEntries(
        names.map((name) => [
          name,
          tf.sqrt(tf.mean(tf.square(grads[`${name}/weight`] as tf.Tensor))),
        ]),
      );
    },
  );
  const program = await createProgram(engine, { functions: { measure } });
  let { weights } = options;
  return {
    async ratios() {
      const outputs = await program.run("measure", {
        images: images.values,
        seed: Int32Array.of(seed, 0),
      });
      const ratioOf = (name: string) =>
        // A uniform number's deviation is 1 / sqrt(12).
        (Math.sqrt(12) * (floatsOf(outputs, name)[0] as number)) /
        rootMeanSquare(weightOf(weights, `${name}/weight`).values);
      return new Map(names.map((name) => [name, ratioOf(name)]));
    },
    async write(given) {
      weights = given;
      const own = pickWeights(given, declared);
      await program.write(
        new Map([...own].map(([name, { values }]) => [name, values])),
      );
    },
    async close() {
      await program.close();
      variables.dispose();
    },
  };
}

/** By convolution: what makes its ratio that of all. Of a chain that ends without batch norm the product is 1. */
export function scalesOf(
  network: Network,
  ratios: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const names = unitsOf(network).map(({ name }) => name);
  const normalized = new Set(normalizedUnits(network).map(({ name }) => name));
  const last = names.slice(
    names.findLastIndex((name) => normalized.has(name)) + 1,
  );
  const alive = (name: string) => (ratios.get(name) ?? 0) > 0;
  const deciding = (last.length > 0 ? last : names).filter(alive);
  const logOf = (name: string) => Math.log(ratios.get(name) as number);
  const target =
    deciding.reduce((sum, name) => sum + logOf(name), 0) /
    Math.max(1, deciding.length);
  return new Map(
    names.map((name) => [
      name,
      alive(name) ? Math.exp((logOf(name) - target) / 2) : 1,
    ]),
  );
}

function scaleLayers(
  network: Network,
  weights: Weights,
  scales: ReadonlyMap<string, number>,
): Weights {
  const normalized = new Set(normalizedUnits(network).map(({ name }) => name));
  const scaled = new Map(weights);
  const multiply = (name: string, factor: number) => {
    const { shape, values } = weightOf(weights, name);
    scaled.set(name, { shape, values: values.map((v) => v * factor) });
  };
  let output = 1;
  for (const { name, bias } of unitsOf(network)) {
    const scale = scales.get(name) as number;
    multiply(`${name}/weight`, scale);
    output = normalized.has(name) ? scale : output * scale;
    if (bias) multiply(`${name}/bias`, output);
    if (normalized.has(name)) output = 1;
  }
  return scaled;
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(
    values.reduce((sum, value) => sum + value ** 2, 0) / values.length,
  );
}
