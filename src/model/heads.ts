/**
 * What stands above an encoder: a hidden layer over hypercolumns (colorization), a linear layer over pooled ones
 * (classification). Weight names: `head/…` and `classifier/…`.
 *
 * Shape suffixes: N images, P places, H W height and width, C channels, U hidden units, K outputs.
 */
import * as tf from "@tensorflow/tfjs-core";
import { biasAdd, dropout } from "../engine/engine.ts";
import type { Activation, Parameters } from "./encoder.ts";
import { projectDense } from "./hypercolumn.ts";
import type { Grid } from "./resample.ts";
import type { WeightDeclaration, Init } from "./weights.ts";

/** Dropout masks are a function of the seed tensor (int32 [2]: a seed and the step). */
export type Dropout = { readonly rate: number; readonly seed: tf.Tensor1D };

/** Names and widths of the linear outputs on the hidden layer. */
export type HeadOutputs = Readonly<Record<string, number>>;

/** First weights of the hidden layer and of the outputs; biases begin at zero. */
export type HeadInit = {
  readonly hidden: Init;
  readonly outputs: Init;
};

/** Outputs of zero, so that training starts at the uniform prediction. */
const UNIFORM_START: HeadInit = { hidden: "xavier", outputs: "zero" };

/** A hidden layer and linear outputs above it. */
export function hiddenHeadDeclarations(
  inputs: number,
  hidden: number,
  outputs: HeadOutputs,
  init: HeadInit = UNIFORM_START,
): readonly WeightDeclaration[] {
  return [
    { name: "head/hidden/weight", shape: [inputs, hidden], init: init.hidden },
    { name: "head/hidden/bias", shape: [hidden], init: "zero" },
    ...Object.entries(outputs).flatMap(([name, width]) => [
      {
        name: `head/${name}/weight`,
        shape: [hidden, width],
        init: init.outputs,
      },
      { name: `head/${name}/bias`, shape: [width], init: "zero" as const },
    ]),
  ];
}

/** The hidden layer at sampled places, with dropout while training. */
export function hiddenSparse(
  columns_PC: tf.Tensor2D,
  parameters: Parameters,
  drop: Dropout | null,
): tf.Tensor2D {
  const hidden_PU = tf.relu(linear(columns_PC, parameters, "head/hidden"));
  return drop
    ? dropout(hidden_PU, drop.rate, { seed: drop.seed, stream: 0 })
    : hidden_PU;
}

/** The hidden layer at every cell of a grid, as rows [N·H·W, U]. */
export function hiddenDense(
  layers: readonly Activation[],
  parameters: Parameters,
  grid: Grid,
): tf.Tensor2D {
  const weight = parameters("head/hidden/weight") as tf.Tensor2D;
  const bias = parameters("head/hidden/bias") as tf.Tensor1D;
  const maps_NHWU = biasAdd(projectDense(layers, weight, grid), bias);
  return tf.reshape(tf.relu(maps_NHWU), [-1, weight.shape[1]]);
}

/** One of the head's outputs, `head/<name>`. */
export function headOutput(
  hidden_PU: tf.Tensor2D,
  parameters: Parameters,
  name: string,
): tf.Tensor2D {
  return linear(hidden_PU, parameters, `head/${name}`);
}

export function classifierDeclarations(
  inputs: number,
  classes: number,
): readonly WeightDeclaration[] {
  return [
    { name: "classifier/weight", shape: [inputs, classes], init: "zero" },
    { name: "classifier/bias", shape: [classes], init: "zero" },
  ];
}

/** A linear layer on the mean over space of every layer, with dropout before it if wanted: logits [N, K]. */
export function classify(
  layers: readonly Activation[],
  parameters: Parameters,
  drop: Dropout | null = null,
): tf.Tensor2D {
  const pooled_NC = tf.concat(
    layers.map(({ maps_NHWC }) => tf.mean<tf.Tensor2D>(maps_NHWC, [1, 2])),
    1,
  );
  const read_NC = drop
    ? dropout(pooled_NC, drop.rate, { seed: drop.seed, stream: 0 })
    : pooled_NC;
  return linear(read_NC, parameters, "classifier");
}

function linear(
  rows: tf.Tensor2D,
  parameters: Parameters,
  name: string,
): tf.Tensor2D {
  const weight = parameters(`${name}/weight`) as tf.Tensor2D;
  const bias = parameters(`${name}/bias`) as tf.Tensor1D;
  return biasAdd(tf.matMul(rows, weight), bias);
}
