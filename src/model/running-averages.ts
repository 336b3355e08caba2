/**
 * Batch-norm statistics as running averages of the batches' own, updated by the training step. The decay rises from 0 with the
 * step, so that the values before the first batch leave no trace (paper, section 2.1).
 *
 * They are averages of what `encode` reports: of convolutions without their biases, where batch norm takes those away again.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Moments } from "./batch-norm.ts";

export type RunningAverages = {
  /** What of the average stays at a step, once the ramp is over. */
  readonly decay: number;
  /** Steps in which the decay rises linearly from 0. */
  readonly ramp: number;
};

/** Updates `<convolution>/mean` and `/variance`. `step`: int32, counted from 0. */
export function updateRunningAverages(
  { decay, ramp }: RunningAverages,
  options: {
    readonly moments: ReadonlyMap<string, Moments>;
    variable(name: string): tf.Variable;
    readonly step: tf.Scalar;
  },
): void {
  const { moments, variable, step } = options;
  const risen = tf.minimum(tf.mul(tf.cast(step, "float32"), 1 / ramp), 1);
  const stays = tf.mul(risen, decay);
  const comes = tf.sub(1, stays);
  const update = (name: string, now: tf.Tensor) => {
    const average = variable(name);
    average.assign(tf.add(tf.mul(average, stays), tf.mul(now, comes)));
  };
  for (const [name, { mean_C, variance_C }] of moments) {
    update(`${name}/mean`, mean_C);
    update(`${name}/variance`, variance_C);
  }
}
