/**
 * A trained model as a compiled function: images in, named outputs out. Batch norm is folded before compiling, so the
 * graph is convolutions and biases alone.
 */
import type * as tf from "@tensorflow/tfjs-core";
import {
  createProgram,
  stepFunction,
  type Engine,
  type TensorValue,
} from "../../engine/engine.ts";
import {
  encode,
  type Activation,
  type Parameters,
} from "../../model/encoder.ts";
import { foldStatistics } from "../../model/encoder-weights.ts";
import type { Network } from "../../model/network.ts";
import type { Weights } from "../../model/weights.ts";
import { createVariables } from "../variables.ts";

export type Predictor = {
  /** Outputs for exactly one batch of the compiled shape. Read them only. */
  predict(values: Float32Array): Promise<Record<string, TensorValue>>;
  close(): Promise<void>;
};

/** Compiles a model for one shape of batch. */
export async function createPredictor(options: {
  readonly engine: Engine;
  readonly network: Network;
  /** Encoder, with or without statistics, and whatever `outputs` reads. */
  readonly weights: Weights;
  /** [images, height, width, channels]: gray ones, or as many channels as the network reads. */
  readonly shape: readonly [number, number, number, number];
  outputs(
    layers: readonly Activation[],
    parameters: Parameters,
  ): Readonly<Record<string, tf.Tensor>>;
}): Promise<Predictor> {
  const { engine, network, weights, shape } = options;
  const folded = foldStatistics(network, weights);
  const variables = createVariables(folded);
  const program = await createProgram(engine, {
    functions: {
      predict: stepFunction({ images: { shape } }, (tensors) => {
        const { layers } = encode({
          network,
          parameters: variables.parameters,
          images_NHWC: tensors.images,
          batchNorm: "folded",
        });
        return options.outputs(layers, variables.parameters);
      }),
    },
  });
  return {
    predict: async (values) =>
      (await program.run("predict", { images: values })) as Record<
        string,
        TensorValue
      >,
    async close() {
      await program.close();
      variables.dispose();
    },
  };
}
