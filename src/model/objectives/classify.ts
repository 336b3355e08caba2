/**
 * Supervised classification as the task that an encoder is pretrained on: a linear layer on the mean over space of the last
 * layer, or of all, and softmax cross-entropy (paper, section 5). What the classes are is the caller's: those of a dataset, or
 * the buckets of a label map.
 *
 * The classifier starts at zero, so the first loss is ln K whatever the encoder.
 * Shape suffixes: N images, K classes.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { ClassifySettings } from "../../spec/params/params-pretext.ts";
import {
  classifierDeclarations,
  classify as classifyPooled,
} from "../heads.ts";
import { classificationLoss } from "../losses.ts";
import { readLayers, widthOf } from "../network.ts";
import type { Objective } from "../objective.ts";

/** Settings with the names of the classes, in the order of their numbers. */
export type ResolvedClassify = ClassifySettings & {
  readonly classes: readonly string[];
};

export const classify: Objective<ResolvedClassify> = {
  declarations: ({ hypercolumn, classes }, layers) =>
    classifierDeclarations(
      widthOf(readLayers(layers, hypercolumn)),
      classes.length,
    ),

  inputs: (_settings, batch) => ({
    labels: { shape: [batch], dtype: "int32" },
  }),

  loss({ settings, layers, parameters, tensors, seed }) {
    const { hypercolumn, dropout: rate } = settings;
    const logits_NK = classifyPooled(
      readLayers(layers, hypercolumn),
      parameters,
      rate > 0 ? { rate, seed } : null,
    );
    const labels_N = tensors["labels"] as tf.Tensor1D;
    return {
      loss: classificationLoss(logits_NK, labels_N),
      accuracy: accuracyOf(logits_NK, labels_N),
    };
  },

  predict({ settings, layers, parameters }) {
    const read = readLayers(layers, settings.hypercolumn);
    return { logits: classifyPooled(read, parameters) };
  },
};

/** Share of a batch whose largest logit is that of its label. No gradient flows through it. */
function accuracyOf(logits_NK: tf.Tensor2D, labels_N: tf.Tensor1D): tf.Scalar {
  const predicted_N = tf.argMax(logits_NK, 1);
  return tf.mean(tf.cast(tf.equal(predicted_N, labels_N), "float32"));
}
