/**
 * Batch-norm statistics of an encoder from one pass over unlabeled images, in place of running averages: every layer is
 * normalized with the statistics of exactly these images while the next one is measured.
 */
import type * as tf from "@tensorflow/tfjs-core";
import {
  createProgram,
  stepFunction,
  type Engine,
  type TensorValue,
} from "../../engine/engine.ts";
import { encode, type Parameters } from "../../model/encoder.ts";
import { convolutionDeclarations } from "../../model/encoder-weights.ts";
import type { Network } from "../../model/network.ts";
import {
  pickWeights,
  weightOf,
  type WeightArray,
  type Weights,
} from "../../model/weights.ts";
import type { GrayImages } from "./gray-images.ts";
import { createVariables } from "../variables.ts";

/** The weights with statistics measured on these images; statistics that they had before are replaced. */
export async function measureStatistics(options: {
  readonly engine: Engine;
  readonly network: Network;
  readonly weights: Weights;
  readonly images: GrayImages;
}): Promise<Weights> {
  const { engine, network, weights, images } = options;
  const convolutions = pickWeights(weights, convolutionDeclarations(network));
  const variables = createVariables(convolutions);
  const program = await createProgram(engine, {
    functions: {
      measure: stepFunction({ images: { shape: images.shape } }, (tensors) =>
        momentsOf(network, variables.parameters, tensors.images),
      ),
    },
  });
  try {
    const measured = await program.run("measure", { images: images.values });
    return withStatistics(network, weights, measured);
  } finally {
    await program.close();
    variables.dispose();
  }
}

function momentsOf(
  network: Network,
  parameters: Parameters,
  images_NHWC: tf.Tensor4D,
): Readonly<Record<string, tf.Tensor1D>> {
  const { moments } = encode({
    network,
    parameters,
    images_NHWC,
    batchNorm: "batch",
  });
  return Object.fromEntries(
    moments.flatMap(({ mean_C, variance_C }, layer) => {
      const name = network.layers[layer]?.name ?? "";
      return [
        [`${name}/mean`, mean_C],
        [`${name}/variance`, variance_C],
      ];
    }),
  );
}

/** They were measured without the biases, which shift the means. */
function withStatistics(
  network: Network,
  weights: Weights,
  measured: Readonly<Record<string, TensorValue>>,
): Weights {
  const array = (values: Iterable<number>): WeightArray => {
    const own = Float32Array.from(values);
    return { shape: [own.length], values: own };
  };
  const valuesOf = (name: string) =>
    measured[name]?.data ?? fail(`'${name}' was not measured`);
  const statistics = network.layers.flatMap(({ name }) => {
    const bias = weightOf(weights, `${name}/bias`).values;
    const mean = Array.from(
      valuesOf(`${name}/mean`),
      (value, i) => value + (bias[i] as number),
    );
    return [
      [`${name}/mean`, array(mean)],
      [`${name}/variance`, array(valuesOf(`${name}/variance`))],
    ] as const;
  });
  return new Map([...weights, ...statistics]);
}

function fail(message: string): never {
  throw new Error(message);
}
