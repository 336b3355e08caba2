/**
 * Losses as graph code. Each returns a scalar to minimize; `detail`s are for learning curves.
 *
 * Shape suffixes: P samples, K bins or classes, D outputs.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  softmaxCrossEntropy,
  sparseSoftmaxCrossEntropy,
} from "../engine/engine.ts";

/**
 * Kullback-Leibler divergence of a predicted histogram from its target, per sample times its weight, divided by the number
 * of samples, not by the sum of the weights (paper, section 1.4).
 * Its gradient is that of cross-entropy; its floor is 0 whatever the targets.
 */
export function histogramLoss(options: {
  readonly logits_PK: tf.Tensor2D;
  /** Rows that sum to 1. */
  readonly targets_PK: tf.Tensor2D;
  readonly weights_P: tf.Tensor1D;
}): tf.Scalar {
  const { logits_PK, targets_PK, weights_P } = options;
  const crossEntropy_P = softmaxCrossEntropy(logits_PK, targets_PK);
  const minusEntropy_P = tf.sum(
    tf.mul(targets_PK, tf.log(tf.maximum(targets_PK, 1e-9))),
    1,
  );
  const divergence_P = tf.add(crossEntropy_P, minusEntropy_P);
  return tf.mean(tf.mul(weights_P, divergence_P));
}

/** Squared Euclidean distance per sample, averaged over samples (paper, section 1.5). */
export function regressionLoss(
  predictions_PD: tf.Tensor2D,
  targets_PD: tf.Tensor2D,
): tf.Scalar {
  const difference = tf.sub(predictions_PD, targets_PD);
  return tf.mean(tf.sum(tf.square(difference), 1));
}

/**
 * Softmax cross-entropy with class indices (int32), averaged over the samples whose weight is 1; the others, of weight 0,
 * are void (paper, section 4.3). Without any sample that counts it is 0.
 */
export function maskedClassificationLoss(
  logits_PK: tf.Tensor2D,
  labels_P: tf.Tensor1D,
  weights_P: tf.Tensor1D,
): tf.Scalar {
  const losses_P = sparseSoftmaxCrossEntropy(logits_PK, labels_P);
  const counted = tf.maximum(tf.sum(weights_P), 1);
  return tf.div(tf.sum(tf.mul(losses_P, weights_P)), counted);
}

/**
 * Sigmoid cross-entropy of each class on its own, summed over the classes that count and averaged over the rows (paper,
 * section 4.2). `targets` are 0 or 1, `weights` 0 where nothing is known.
 */
export function maskedSigmoidLoss(
  logits_PK: tf.Tensor2D,
  targets_PK: tf.Tensor2D,
  weights_PK: tf.Tensor2D,
): tf.Scalar {
  // Not by |x|, whose gradient at 0, where classifiers start, is no derivative.
  const losses_PK = tf.sub(
    tf.softplus(logits_PK),
    tf.mul(logits_PK, targets_PK),
  );
  return tf.mean(tf.sum(tf.mul(losses_PK, weights_PK), 1));
}

/** Softmax cross-entropy with class indices (int32), averaged over samples. */
export function classificationLoss(
  logits_PK: tf.Tensor2D,
  labels_P: tf.Tensor1D,
): tf.Scalar {
  return tf.mean(sparseSoftmaxCrossEntropy(logits_PK, labels_P));
}
