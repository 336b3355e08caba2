/** Shape rules of ops that move values around: reshape, slice, join, gather, pad, fill. */
import { slice_util } from "@tensorflow/tfjs-core";
import {
  axisOf,
  constant,
  constantScalar,
  dim,
  elementwise,
  input,
  rules,
  single,
  sizeOf,
} from "./shape-rule.ts";
import type { OpCall, ShapeTable } from "./shape-rule.ts";
import type { Shape } from "./types.ts";

const product = (values: readonly number[]): number =>
  values.reduce((p, v) => p * v, 1);
const inserted = (shape: Shape, at: number, value: number): number[] => [
  ...shape.slice(0, at),
  value,
  ...shape.slice(at),
];

function reshaped(call: OpCall): Shape {
  const wanted = constant(call, 1);
  const open = wanted.indexOf(-1);
  if (open < 0) return wanted;
  const known = product(wanted.filter((_, k) => k !== open));
  return wanted.with(open, sizeOf(input(call, 0).shape) / known);
}
function joined(call: OpCall): Shape {
  const parts = call.inputs.slice(0, -1);
  const first = input(call, 0).shape;
  const axis = axisOf(constantScalar(call, -1), first.length);
  return first.with(
    axis,
    parts.reduce((sum, part) => sum + dim(part.shape, axis), 0),
  );
}
function gathered(call: OpCall): Shape {
  const { shape } = input(call, 0);
  const axis = axisOf(constantScalar(call, 2), shape.length);
  const batchDims = Number(call.attributes["batch_dims"] ?? 0);
  return [
    ...shape.slice(0, axis),
    ...input(call, 1).shape.slice(batchDims),
    ...shape.slice(axis + 1),
  ];
}
/** Paddings are [rank, 2] in row-major order. */
const padding = (pads: readonly number[], k: number): number =>
  dim(pads, 2 * k) + dim(pads, 2 * k + 1);

function spaceToBatch(call: OpCall): Shape {
  const [blocks, pads] = [constant(call, 1), constant(call, 2)];
  const [n, ...rest] = input(call, 0).shape;
  return [
    (n ?? 0) * product(blocks),
    ...rest.map((d, k) => {
      const block = blocks[k];
      return block === undefined ? d : (d + padding(pads, k)) / block;
    }),
  ];
}
function batchToSpace(call: OpCall): Shape {
  const [blocks, crops] = [constant(call, 1), constant(call, 2)];
  const [n, ...rest] = input(call, 0).shape;
  return [
    (n ?? 0) / product(blocks),
    ...rest.map((d, k) => {
      const block = blocks[k];
      return block === undefined ? d : d * block - padding(crops, k);
    }),
  ];
}
function depthToSpace(call: OpCall): Shape {
  const [n = 0, h = 0, w = 0, c = 0] = input(call, 0).shape;
  const block = Number(call.attributes["block_size"]);
  return [n, h * block, w * block, c / (block * block)];
}
function stridedSlice(call: OpCall): Shape {
  const mask = (name: string): number => Number(call.attributes[name] ?? 0);
  return slice_util.sliceInfo(
    [...input(call, 0).shape],
    constant(call, 1),
    constant(call, 2),
    constant(call, 3),
    mask("begin_mask"),
    mask("end_mask"),
    mask("ellipsis_mask"),
    mask("new_axis_mask"),
    mask("shrink_axis_mask"),
  ).finalShape;
}

export const arrayRules: ShapeTable = [
  ...elementwise("ReverseV2"),
  ...single("Reshape", reshaped),
  ...single("ExpandDims", (call) => {
    const { shape } = input(call, 0);
    return inserted(
      shape,
      axisOf(constantScalar(call, 1), shape.length + 1),
      1,
    );
  }),
  ...single("Transpose", (call) =>
    constant(call, 1).map((axis) => dim(input(call, 0).shape, axis)),
  ),
  ...single("BroadcastTo", (call) => constant(call, 1)),
  ...single("Tile", (call) => {
    const times = constant(call, 1);
    return input(call, 0).shape.map((d, k) => d * dim(times, k));
  }),
  ...single("Slice", (call) => {
    const [begin, size] = [constant(call, 1), constant(call, 2)];
    return input(call, 0).shape.map((d, k) =>
      dim(size, k) < 0 ? d - dim(begin, k) : dim(size, k),
    );
  }),
  ...single("StridedSlice", stridedSlice),
  ...single("ConcatV2", joined),
  ...rules("SplitV", (call) => {
    const { shape, dtype } = input(call, 0);
    const axis = axisOf(constantScalar(call, 2), shape.length);
    return constant(call, 1).map((size) => ({
      shape: shape.with(axis, size),
      dtype,
    }));
  }),
  ...single("Pack", (call) => {
    const { shape } = input(call, 0);
    const axis = axisOf(Number(call.attributes["axis"]), shape.length + 1);
    return inserted(shape, axis, call.inputs.length);
  }),
  ...rules("Unpack", (call) => {
    const { shape, dtype } = input(call, 0);
    const axis = axisOf(Number(call.attributes["axis"]), shape.length);
    const part = { shape: shape.filter((_, k) => k !== axis), dtype };
    return Array.from({ length: call.outputs }, () => part);
  }),
  ...single("PadV2 MirrorPad", (call) => {
    const pads = constant(call, 1);
    return input(call, 0).shape.map((d, k) => d + padding(pads, k));
  }),
  ...single("GatherV2", gathered),
  ...single("UnsortedSegmentSum", (call) => [
    constantScalar(call, 2),
    ...input(call, 0).shape.slice(input(call, 1).shape.length),
  ]),
  ...rules("OneHot", (call) => [
    {
      shape: [...input(call, 0).shape, constantScalar(call, 1)],
      dtype: input(call, 2).dtype,
    },
  ]),
  ...rules("Fill", (call) => [
    { shape: constant(call, 0), dtype: input(call, 1).dtype },
  ]),
  ...single("Range", (call) => {
    const [start, stop, step] = [0, 1, 2].map((k) => constantScalar(call, k));
    const count = Math.ceil(((stop ?? 0) - (start ?? 0)) / (step ?? 1));
    return [Math.max(0, count)];
  }),
  ...single("SpaceToBatchND", spaceToBatch),
  ...single("BatchToSpaceND", batchToSpace),
  ...single("DepthToSpace", depthToSpace),
];
