/** Softmax cross-entropy as one fused op, with class indices or with distributions as targets. */
import * as tf from "@tensorflow/tfjs-core";
import { registerNativeKernel, runKernel } from "./native-op.ts";

const SPARSE = "SparseSoftmaxCrossEntropyWithLogits";
const SOFT = "SoftmaxCrossEntropyWithLogits";

export function registerLosses(): void {
  registerNativeKernel(SPARSE, (call) =>
    call.backend.executeMultipleOutputs(
      SPARSE,
      [
        call.attribute.type("T", "float32"),
        call.attribute.type("Tlabels", "int32"),
      ],
      [call.input("logits"), call.input("labels")],
      2,
    ),
  );
  registerNativeKernel(SOFT, (call) =>
    call.backend.executeMultipleOutputs(
      SOFT,
      [call.attribute.type("T", "float32")],
      [call.input("logits"), call.input("labels")],
      2,
    ),
  );
  // The second output of both ops is the gradient of the first by the logits, before the chain rule.
  tf.registerGradient({
    kernelName: SPARSE,
    inputsToSave: ["labels"],
    outputsToSave: [false, true],
    gradFunc: (dys, saved) => {
      const [labels, gradient] = saved as [tf.Tensor, tf.Tensor];
      const [dy] = dys as [tf.Tensor];
      return {
        logits: () => tf.mul(gradient, tf.expandDims(dy, -1)),
        labels: () => tf.zeros(labels.shape),
      };
    },
  });
  tf.registerGradient({
    kernelName: SOFT,
    inputsToSave: ["logits"],
    outputsToSave: [false, true],
    gradFunc: (dys, saved) => {
      const [logits, gradient] = saved as [tf.Tensor, tf.Tensor];
      const [dy] = dys as [tf.Tensor];
      const column = (t: tf.Tensor): tf.Tensor => tf.expandDims(t, -1);
      return {
        logits: () => tf.mul(gradient, column(dy)),
        labels: () => tf.mul(tf.logSoftmax(logits), column(tf.neg(dy))),
      };
    },
  });
}

/** Cross-entropy per row, in nats: logits [N, K], labels int32 [N] with values in [0, K). Result [N]. */
export function sparseSoftmaxCrossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
): tf.Tensor1D {
  return runKernel(SPARSE, { logits, labels })[0] as tf.Tensor1D;
}
/** Cross-entropy per row, in nats: logits [N, K], target distributions [N, K] that sum to 1. Result [N]. */
export function softmaxCrossEntropy(
  logits: tf.Tensor2D,
  targets: tf.Tensor2D,
): tf.Tensor1D {
  return runKernel(SOFT, { logits, labels: targets })[0] as tf.Tensor1D;
}
