/** Shape rules of convolution, pooling, normalisation, resizing, losses and random numbers. NHWC only. */
import {
  constant,
  dim,
  elementwise,
  input,
  rules,
  single,
} from "./shape-rule.ts";
import type { OpCall, OutputInfo, ShapeTable } from "./shape-rule.ts";
import type { GraphShape } from "./proto.ts";
import { TraceError } from "./trace-error.ts";
import type { Shape } from "./types.ts";

/** Where the height and the width stand in NHWC. */
const HEIGHT = 1;
const WIDTH = 2;

function numbers(call: OpCall, name: string, otherwise: number[]): number[] {
  const value = call.attributes[name];
  return Array.isArray(value) ? value.map(Number) : otherwise;
}

function slidingSize(call: OpCall, axis: number, kernel: number): number {
  const size = dim(input(call, 0).shape, axis);
  const stride = dim(numbers(call, "strides", []), axis);
  if (call.attributes["padding"] === "SAME") return Math.ceil(size / stride);
  const dilation = dim(numbers(call, "dilations", [1, 1, 1, 1]), axis);
  const pads = numbers(call, "explicit_paddings", []);
  const padding = (pads[2 * axis] ?? 0) + (pads[2 * axis + 1] ?? 0);
  const extent = (kernel - 1) * dilation + 1;
  return Math.floor((size + padding - extent) / stride) + 1;
}
/** [N, H', W'] of a kernel that slides over the first input. */
function sliding(call: OpCall, kernel: readonly [number, number]): number[] {
  const format = (call.attributes["data_format"] as string) ?? "NHWC";
  if (format !== "NHWC")
    throw new TraceError(
      `op '${call.op}' in layout ${format}: only NHWC can be traced`,
    );
  return [
    dim(input(call, 0).shape, 0),
    slidingSize(call, HEIGHT, kernel[0]),
    slidingSize(call, WIDTH, kernel[1]),
  ];
}
function convolved(call: OpCall): { plane: number[]; filter: Shape } {
  const filter = input(call, 1).shape;
  return { plane: sliding(call, [dim(filter, 0), dim(filter, 1)]), filter };
}
function pooled(call: OpCall): Shape {
  const window = numbers(call, "ksize", []);
  const plane = sliding(call, [dim(window, HEIGHT), dim(window, WIDTH)]);
  return [...plane, dim(input(call, 0).shape, 3)];
}
function resized(call: OpCall): Shape {
  const [n, , , c] = input(call, 0).shape;
  return [n ?? 0, ...constant(call, 1), c ?? 0];
}
const floats = (...shapes: GraphShape[]): OutputInfo[] =>
  shapes.map((shape) => ({ shape, dtype: "float32" }));

export const networkRules: ShapeTable = [
  ...elementwise("BiasAdd LRN LRNGrad MaxPoolGrad"),
  ...single("BiasAddGrad", (call) => [
    dim(input(call, 0).shape, -1 + input(call, 0).shape.length),
  ]),
  ...single("Conv2D", (call) => {
    const { plane, filter } = convolved(call);
    return [...plane, dim(filter, 3)];
  }),
  ...single("DepthwiseConv2dNative", (call) => {
    const { plane, filter } = convolved(call);
    return [...plane, dim(filter, 2) * dim(filter, 3)];
  }),
  ...single(
    "Conv2DBackpropInput DepthwiseConv2dNativeBackpropInput AvgPoolGrad",
    (call) => constant(call, 0),
    "float32",
  ),
  ...single(
    "Conv2DBackpropFilter DepthwiseConv2dNativeBackpropFilter",
    (call) => constant(call, 1),
  ),
  ...single("MaxPool AvgPool", pooled),
  // y, batch mean, batch variance, two reserve outputs, and cuDNN's own, whose shape nobody knows before it has run.
  ...rules("FusedBatchNorm FusedBatchNormV3", (call) => {
    const x = input(call, 0).shape;
    const channels = [dim(x, 3)];
    return floats(x, channels, channels, channels, channels, null);
  }),
  ...rules("FusedBatchNormGradV3", (call) => {
    const x = input(call, 0).shape;
    const channels = [dim(x, 3)];
    return floats(x, channels, channels, null, null);
  }),
  ...rules(
    "SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits",
    (call) => {
      const logits = input(call, 0).shape;
      return floats([dim(logits, 0)], logits);
    },
  ),
  ...single("ResizeBilinear ResizeNearestNeighbor", resized, "float32"),
  ...single("ResizeBilinearGrad", (call) => input(call, 1).shape),
  ...single("ResizeNearestNeighborGrad", resized),
  ...single(
    "StatelessRandomUniform StatelessRandomNormal",
    (call) => constant(call, 0),
    "float32",
  ),
];
