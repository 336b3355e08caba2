/**
 * Batch normalisation with batch statistics as one fused op, bias as BiasAdd, and the gradient of ReLU as one op instead of four.
 */
import * as tf from "@tensorflow/tfjs-core";
import { registerNativeKernel, runKernel, runSingle } from "./native-op.ts";

interface Epsilon {
  readonly epsilon: number;
}

export function registerNormalization(): void {
  registerBatchNorm();
  registerBias();
  registerRelu();
}

function registerBatchNorm(): void {
  registerNativeKernel<Epsilon>("FusedBatchNormV3", (call) =>
    tf.tidy(() =>
      call.backend.executeMultipleOutputs(
        "FusedBatchNormV3",
        [
          call.attribute.type("T", "float32"),
          call.attribute.type("U", "float32"),
          call.attribute.float("epsilon", call.attributes.epsilon),
          call.attribute.float("exponential_avg_factor", 1),
          call.attribute.string("data_format", "NHWC"),
          call.attribute.bool("is_training", true),
        ],
        // In training the two last inputs, running mean and variance, must be empty.
        [
          call.input("x"),
          call.input("scale"),
          call.input("offset"),
          tf.tensor1d([]),
          tf.tensor1d([]),
        ],
        6,
      ),
    ),
  );
  registerNativeKernel<Epsilon>("FusedBatchNormGradV3", (call) =>
    call.backend.executeMultipleOutputs(
      "FusedBatchNormGradV3",
      [
        call.attribute.type("T", "float32"),
        call.attribute.type("U", "float32"),
        call.attribute.float("epsilon", call.attributes.epsilon),
        call.attribute.string("data_format", "NHWC"),
        call.attribute.bool("is_training", true),
      ],
      ["dy", "x", "scale", "reserve1", "reserve2", "reserve3"].map(call.input),
      5,
    ),
  );
  tf.registerGradient({
    kernelName: "FusedBatchNormV3",
    inputsToSave: ["x", "scale"],
    outputsToSave: [false, false, false, true, true, true],
    // Gradients flow through y only: the statistics are for running averages, which nobody differentiates.
    gradFunc: (dys, saved, attributes) => {
      const [x, scale, reserve1, reserve2, reserve3] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const [dy] = dys as [tf.Tensor];
      const [dx, dScale, dOffset] = runKernel(
        "FusedBatchNormGradV3",
        { dy, x, scale, reserve1, reserve2, reserve3 },
        attributes,
      ) as [tf.Tensor, tf.Tensor, tf.Tensor];
      return { x: () => dx, scale: () => dScale, offset: () => dOffset };
    },
  });
}

function registerBias(): void {
  registerNativeKernel("BiasAdd", (call) =>
    call.backend.executeSingleOutput(
      "BiasAdd",
      [
        call.attribute.type("T", "float32"),
        call.attribute.string("data_format", "NHWC"),
      ],
      [call.input("x"), call.input("bias")],
    ),
  );
  registerNativeKernel("BiasAddGrad", (call) =>
    call.backend.executeSingleOutput(
      "BiasAddGrad",
      [
        call.attribute.type("T", "float32"),
        call.attribute.string("data_format", "NHWC"),
      ],
      [call.input("dy")],
    ),
  );
  tf.registerGradient({
    kernelName: "BiasAdd",
    gradFunc: (dy) => ({
      x: () => tf.clone(dy as tf.Tensor),
      bias: () => runSingle("BiasAddGrad", { dy: dy as tf.Tensor }),
    }),
  });
}

function registerRelu(): void {
  registerNativeKernel("ReluGrad", (call) =>
    call.backend.executeSingleOutput(
      "ReluGrad",
      [call.attribute.type("T", "float32")],
      [call.input("dy"), call.input("y")],
    ),
  );
  // From the output instead of the input: one tensor less is kept.
  tf.registerGradient({
    kernelName: "Relu",
    outputsToSave: [true],
    gradFunc: (dy, saved) => ({
      x: () =>
        runSingle("ReluGrad", {
          dy: dy as tf.Tensor,
          y: saved[0] as tf.Tensor,
        }),
    }),
  });
}

export interface BatchNormTrainOptions {
  /** Scale and shift per channel [C]; left out: none. */
  readonly gamma?: tf.Tensor1D;
  readonly beta?: tf.Tensor1D;
  readonly epsilon?: number;
}
export interface BatchNormTrainResult {
  readonly y: tf.Tensor4D;
  /** Mean of the batch, [C]. Carries no gradient. */
  readonly mean: tf.Tensor1D;
  /** Variance of the batch, [C], unbiased (divided by n - 1), as running averages want it. Carries no gradient. */
  readonly variance: tf.Tensor1D;
}
/** Batch normalisation of x [N, H, W, C] with the statistics of the batch; y is normalised with the biased variance. */
export function batchNormTrain(
  x: tf.Tensor4D,
  { gamma, beta, epsilon = 1e-5 }: BatchNormTrainOptions = {},
): BatchNormTrainResult {
  const channels: [number] = [x.shape[3]];
  const inputs = {
    x,
    scale: gamma ?? tf.ones(channels),
    offset: beta ?? tf.zeros(channels),
  };
  const [y, mean, variance] = runKernel("FusedBatchNormV3", inputs, {
    epsilon,
  }) as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D];
  return { y, mean, variance };
}

/** x [..., C] + bias [C]. */
export function biasAdd<T extends tf.Tensor>(x: T, bias: tf.Tensor1D): T {
  return runSingle("BiasAdd", { x, bias }) as T;
}
