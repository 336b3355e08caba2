/**
 * Batch norm in the graph: with the batch's own statistics (training, and the one pass that measures), and with measured
 * ones. Scale and shift (gamma and beta) are optional: without them it is the paper's parameter-free form (section 2.1). The
 * third form, folded into the weights, is `foldStatistics`.
 *
 * Shape suffixes: N images, H height, W width, C channels.
 */
import * as tf from "@tensorflow/tfjs-core";
import { batchNormTrain } from "../engine/engine.ts";
import { BATCH_NORM_EPSILON } from "./encoder-weights.ts";

export type Moments = {
  readonly mean_C: tf.Tensor1D;
  /** Of the values as they are: divided by their number, not by one less. */
  readonly variance_C: tf.Tensor1D;
};

/** Trained scale and shift per channel. */
export type Affine = {
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
};

/** Normalizes with the statistics of this batch. */
export function normalizeBatch(
  maps_NHWC: tf.Tensor4D,
  affine: Affine | null = null,
): {
  readonly maps_NHWC: tf.Tensor4D;
  readonly moments: Moments;
} {
  const [n, h, w] = maps_NHWC.shape;
  const { y, mean, variance } = batchNormTrain(maps_NHWC, {
    ...affine,
    epsilon: BATCH_NORM_EPSILON,
  });
  // The kernel reports the unbiased variance but divides by the root of the biased one.
  const values = n * h * w;
  const variance_C = tf.mul<tf.Tensor1D>(variance, (values - 1) / values);
  return { maps_NHWC: y, moments: { mean_C: mean, variance_C } };
}

/** Normalizes with statistics that were measured before. */
export function normalizeMeasured(
  maps_NHWC: tf.Tensor4D,
  { mean_C, variance_C }: Moments,
  affine: Affine | null = null,
): tf.Tensor4D {
  const scale_C = tf.rsqrt(tf.add(variance_C, BATCH_NORM_EPSILON));
  const normalized = tf.mul<tf.Tensor4D>(tf.sub(maps_NHWC, mean_C), scale_C);
  return affine
    ? tf.add(tf.mul(normalized, affine.gamma), affine.beta)
    : normalized;
}
