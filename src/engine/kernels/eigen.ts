/** Eigenvalues and eigenvectors of symmetric matrices, as TensorFlow computes them. Without a gradient. */
import type * as tf from "@tensorflow/tfjs-core";
import { registerNativeKernel, runKernel } from "./native-op.ts";

export function registerEigen(): void {
  registerNativeKernel("SelfAdjointEigV2", (call) =>
    call.backend.executeMultipleOutputs(
      "SelfAdjointEigV2",
      [
        call.attribute.bool("compute_v", true),
        call.attribute.type("T", "float32"),
      ],
      [call.input("input")],
      2,
    ),
  );
}

/** Eigenvalues [n] from the smallest up, and eigenvectors as the columns of [n, n]. Only the lower triangle is read. */
export function symmetricEigen(matrix: tf.Tensor2D): {
  readonly values: tf.Tensor1D;
  readonly vectors: tf.Tensor2D;
} {
  const [values, vectors] = runKernel("SelfAdjointEigV2", { input: matrix });
  return { values: values as tf.Tensor1D, vectors: vectors as tf.Tensor2D };
}
