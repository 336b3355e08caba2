/**
 * Gather without reading the indices back, gradients of sum and mean that broadcast, and the gradient of bilinear resize with
 * half-pixel centres, which the stock kernel computes wrongly (relative error 0.6 to 1.0).
 */
import * as tf from "@tensorflow/tfjs-core";
import { int32, registerNativeKernel, runSingle } from "./native-op.ts";

export function registerArrayKernels(): void {
  registerReductionGradients();
  registerGather();
  registerNativeKernel<{
    readonly alignCorners: boolean;
    readonly halfPixelCenters?: boolean;
  }>("ResizeBilinearGrad", (call) =>
    call.backend.executeSingleOutput(
      "ResizeBilinearGrad",
      [
        call.attribute.type("T", "float32"),
        call.attribute.bool("align_corners", call.attributes.alignCorners),
        call.attribute.bool(
          "half_pixel_centers",
          call.attributes.halfPixelCenters === true,
        ),
      ],
      [call.input("dy"), call.input("images")],
    ),
  );
}

interface GatherAttributes {
  readonly axis: number;
  readonly batchDims?: number;
}
function registerGather(): void {
  registerNativeKernel<GatherAttributes>("GatherV2", (call) => {
    const [x, indices] = [call.input("x"), call.input("indices")];
    const { axis, batchDims = 0 } = call.attributes;
    return tf.tidy(() =>
      call.backend.executeSingleOutput(
        "GatherV2",
        [
          call.attribute.int("batch_dims", batchDims),
          call.attribute.type("Tparams", x.dtype),
          call.attribute.type("Tindices", indices.dtype),
          call.attribute.type("Taxis", "int32"),
        ],
        [x, indices, tf.scalar(axis, "int32")],
      ),
    );
  });
  const stockGradient = tf.getGradient("GatherV2").gradFunc;
  tf.registerGradient({
    kernelName: "GatherV2",
    inputsToSave: ["x", "indices"],
    gradFunc: (dy, saved, attributes) => {
      const [x, indices] = saved as [tf.Tensor, tf.Tensor];
      if (attributes["axis"] !== 0 || indices.rank !== 1)
        return stockGradient(dy, saved, attributes);
      const [rows] = x.shape as [number];
      return {
        // The stock gradient transposes there and back, even where that moves nothing.
        x: () =>
          tf.unsortedSegmentSum(dy as tf.Tensor, indices as tf.Tensor1D, rows),
        indices: () => indices,
      };
    },
  });
}

/** The stock gradients multiply with a tensor of ones of the input's size. */
function registerReductionGradients(): void {
  registerNativeKernel<{ readonly shape: number[] }>("BroadcastTo", (call) => {
    const x = call.input("x");
    return tf.tidy(() =>
      call.backend.executeSingleOutput(
        "BroadcastTo",
        [
          call.attribute.type("T", x.dtype),
          call.attribute.type("Tidx", "int32"),
        ],
        [x, int32(call.attributes.shape)],
      ),
    );
  });
  for (const kernelName of ["Sum", "Mean"])
    tf.registerGradient({
      kernelName,
      inputsToSave: ["x"],
      gradFunc: (dy, saved, attributes) => {
        const x = saved[0] as tf.Tensor;
        const axes = tf.util.parseAxisParam(
          attributes["axis"] as number | number[],
          x.shape,
        );
        const isMean = kernelName === "Mean";
        return { x: () => spread(dy as tf.Tensor, x, axes, isMean) };
      },
    });
}
function spread(
  dy: tf.Tensor,
  x: tf.Tensor,
  axes: readonly number[],
  isMean: boolean,
): tf.Tensor {
  const kept = x.shape.map((d, k) => (axes.includes(k) ? 1 : d));
  const count = axes.reduce((n, k) => n * (x.shape[k] ?? 1), 1);
  const scaled = isMean && count > 1 ? tf.mul(dy, 1 / count) : dy;
  const reshaped = tf.reshape(scaled, kept);
  return runSingle("BroadcastTo", { x: reshaped }, { shape: x.shape });
}
