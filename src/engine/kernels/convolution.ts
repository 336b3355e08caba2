/**
 * Convolution kernels that take every padding and dilation, also in the gradient, and the `conv2d` that picks the fast form.
 *
 * oneDNN has no fast kernel for explicit padding, and TensorFlow's CPU gradient of a dilated convolution wants VALID: so padding is
 * SAME where that is the same thing, else a Pad in front of a VALID convolution.
 */
import * as tf from "@tensorflow/tfjs-core";
import { int32, registerNativeKernel, runSingle } from "./native-op.ts";
import type { AttributeWriter, OpAttribute } from "./native-op.ts";

type Shape4D = [number, number, number, number];
type Pairs = [
  [number, number],
  [number, number],
  [number, number],
  [number, number],
];
interface ConvAttributes {
  readonly strides: number | [number, number];
  readonly pad: "valid" | "same" | number | Pairs;
  readonly dilations?: number | [number, number];
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

export function registerConvolution(): void {
  registerNativeKernel<ConvAttributes>("Conv2D", (call) => {
    const [x, filter] = [call.input("x"), call.input("filter")];
    return call.backend.executeSingleOutput(
      "Conv2D",
      convAttributes(call.attribute, x.shape, filter.shape, call.attributes),
      [x, filter],
    );
  });
  registerNativeKernel<ConvAttributes & { readonly inputShape: number[] }>(
    "Conv2DBackpropInput",
    (call) => {
      const [dy, filter] = [call.input("dy"), call.input("filter")];
      const { inputShape } = call.attributes;
      return tf.tidy(() =>
        call.backend.executeSingleOutput(
          "Conv2DBackpropInput",
          convAttributes(
            call.attribute,
            inputShape,
            filter.shape,
            call.attributes,
          ),
          [int32(inputShape), filter, dy],
        ),
      );
    },
  );
  registerNativeKernel<ConvAttributes & { readonly filterShape: number[] }>(
    "Conv2DBackpropFilter",
    (call) => {
      const [x, dy] = [call.input("x"), call.input("dy")];
      const { filterShape } = call.attributes;
      return tf.tidy(() =>
        call.backend.executeSingleOutput(
          "Conv2DBackpropFilter",
          convAttributes(call.attribute, x.shape, filterShape, call.attributes),
          [x, int32(filterShape), dy],
        ),
      );
    },
  );
  tf.registerGradient({
    kernelName: "Conv2D",
    inputsToSave: ["x", "filter"],
    gradFunc: (dy, saved, attributes) => {
      const [x, filter] = saved as [tf.Tensor, tf.Tensor];
      const grad = dy as tf.Tensor;
      return {
        x: () =>
          runSingle(
            "Conv2DBackpropInput",
            { dy: grad, filter },
            { ...attributes, inputShape: x.shape },
          ),
        filter: () =>
          runSingle(
            "Conv2DBackpropFilter",
            { x, dy: grad },
            { ...attributes, filterShape: filter.shape },
          ),
      };
    },
  });
}

function convAttributes(
  attribute: AttributeWriter,
  xShape: number[],
  filterShape: number[],
  { strides, pad, dilations = 1, dimRoundingMode }: ConvAttributes,
): OpAttribute[] {
  const info = tf.backend_util.computeConv2DInfo(
    xShape as Shape4D,
    filterShape as Shape4D,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    false,
    "channelsLast",
  );
  const { type, top, bottom, left, right } = info.padInfo;
  const isExplicit = type === "NUMBER" || type === "EXPLICIT";
  return [
    attribute.type("T", "float32"),
    attribute.int("strides", [1, info.strideHeight, info.strideWidth, 1]),
    attribute.string("padding", isExplicit ? "EXPLICIT" : type),
    attribute.string("data_format", "NHWC"),
    attribute.bool("use_cudnn_on_gpu", true),
    attribute.int("dilations", [1, info.dilationHeight, info.dilationWidth, 1]),
    ...(isExplicit
      ? [
          attribute.int("explicit_paddings", [
            0,
            0,
            top,
            bottom,
            left,
            right,
            0,
            0,
          ]),
        ]
      : []),
  ];
}

export interface Conv2dOptions {
  readonly stride?: number;
  /** `same`, `valid`, a number for all four sides (as in PyTorch), or pairs [before, after] for N, H, W, C. */
  readonly pad?: "same" | "valid" | number | Pairs;
  readonly dilation?: number;
}
/** 2-D convolution of x [N, H, W, Cin] with filter [KH, KW, Cin, Cout]; SAME at stride 1 unless told otherwise. */
export function conv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { stride = 1, pad = "same", dilation = 1 }: Conv2dOptions = {},
): tf.Tensor4D {
  const padding =
    typeof pad === "number" ? fromNumber(pad, filter, stride, dilation) : pad;
  if (!Array.isArray(padding))
    return tf.conv2d(x, filter, stride, padding, "NHWC", dilation);
  return tf.tidy(() =>
    tf.conv2d(tf.pad(x, padding), filter, stride, "valid", "NHWC", dilation),
  );
}
function fromNumber(
  pad: number,
  filter: tf.Tensor4D,
  stride: number,
  dilation: number,
): "same" | "valid" | Pairs {
  if (pad === 0) return "valid";
  const [height, width] = filter.shape;
  const isSame =
    stride === 1 &&
    dilation === 1 &&
    height === width &&
    2 * pad === height - 1;
  return isSame
    ? "same"
    : [
        [0, 0],
        [pad, pad],
        [pad, pad],
        [0, 0],
      ];
}
