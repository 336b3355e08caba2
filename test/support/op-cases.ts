/**
 * Every op that model code may use, as small cases: a function of float32 tensors, their shapes, and whether tfjs has a gradient for it.
 * The suite runs each case eagerly and compiled and compares values and gradients.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  flat,
  ids,
  image,
  op,
  overImage,
  pair,
  positive,
  unary,
} from "./op-case.ts";
import type { Cases, T1, T2, T3, T4 } from "./op-case.ts";
import { networkCases } from "./op-cases-network.ts";

const arithmetic: Cases = [
  pair("add, broadcast", [3, 4, 5], [4, 1], tf.add),
  pair("mul, broadcast", [3, 1, 5], [4, 1], tf.mul),
  pair("sub, broadcast", [5], [3, 5], tf.sub),
  pair("div, broadcast", [3, 4], [4], (a, b) => tf.div(a, positive(b))),
  unary("pow", (x) => tf.pow(positive(x), 2.5)),
  pair("maximum and minimum", [3, 4], [3, 4], (a, b) =>
    tf.add(tf.maximum(a, b), tf.mul(3, tf.minimum(a, b))),
  ),
  pair("maximum, broadcast", [3, 4], [4], tf.maximum),
  pair("minimum, broadcast", [1], [3, 4], tf.minimum),
  pair("squaredDifference", [3, 4], [3, 4], tf.squaredDifference),
  pair("squaredDifference, broadcast", [3, 1], [4], tf.squaredDifference),
  unary("exp, log, sqrt", (x) =>
    tf.add(tf.exp(x), tf.add(tf.log(positive(x)), tf.sqrt(positive(x)))),
  ),
  unary("rsqrt, square, neg, abs", (x) =>
    tf.add(tf.rsqrt(positive(x)), tf.sub(tf.square(x), tf.neg(tf.abs(x)))),
  ),
  unary("log1p, expm1, reciprocal", (x) =>
    tf.add(
      tf.log1p(positive(x)),
      tf.add(tf.expm1(x), tf.reciprocal(positive(x))),
    ),
  ),
  pair("sin, cos, atan2", [3, 4], [3, 4], (x, y) =>
    tf.add(tf.sin(x), tf.mul(tf.cos(x), tf.atan2(x, y))),
  ),
  unary("clipByValue", (x) => tf.clipByValue(x, -0.5, 0.7)),
  pair("where", [3, 4], [3, 4], (a, b) =>
    tf.where(
      tf.tensor2d([1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0], [3, 4], "bool"),
      a,
      tf.mul(b, 2),
    ),
  ),
  pair("addN", [3, 4], [3, 4], (a, b) => tf.addN([a, b, a])),
  flat("step, sign, floor, round", [[3, 4]], (x: tf.Tensor) =>
    tf.add(tf.step(x), tf.add(tf.sign(x), tf.add(tf.floor(x), tf.round(x)))),
  ),
  flat("comparisons and logic", [[3, 4]], (x: tf.Tensor) =>
    tf.mul(
      x,
      tf.cast(
        tf.logicalAnd(tf.less(x, 1), tf.logicalNot(tf.equal(x, 0))),
        "float32",
      ),
    ),
  ),
  flat("any and all", [[3, 4]], (x: tf.Tensor) =>
    tf.logicalOr(tf.any(tf.greater(x, 0), 1), tf.all(tf.less(x, 0), 1)),
  ),
  flat("integer arithmetic", [[3, 4]], (x: tf.Tensor) => {
    const whole = tf.cast(tf.mul(x, 10), "int32");
    const three = tf.scalar(3, "int32");
    const quotient = tf.floorDiv(whole, three);
    return tf.add(
      tf.mul(quotient, tf.scalar(2, "int32")),
      tf.mod(whole, three),
    );
  }),
];

const products: Cases = [
  op(
    "matMul",
    [
      [3, 4],
      [4, 5],
    ],
    (a: T2, b: T2) => tf.matMul(a, b),
  ),
  op(
    "matMul, first transposed",
    [
      [4, 3],
      [4, 5],
    ],
    (a: T2, b: T2) => tf.matMul(a, b, true),
  ),
  op(
    "matMul, second transposed",
    [
      [3, 4],
      [5, 4],
    ],
    (a: T2, b: T2) => tf.matMul(a, b, false, true),
  ),
  op(
    "matMul, both transposed",
    [
      [4, 3],
      [5, 4],
    ],
    (a: T2, b: T2) => tf.matMul(a, b, true, true),
  ),
  op(
    "matMul of batches",
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    (a: T3, b: T3) => tf.matMul(a, b),
  ),
  op("dot", [[4], [4, 3]], (a: T1, b: T2) => tf.dot(a, b)),
  op("fused matMul", [[3, 4], [4, 5], [5]], (a: T2, b: T2, bias: T1) =>
    tf.fused.matMul({ a, b, bias, activation: "relu" }),
  ),
];

const reductions: Cases = [
  unary("sum of all", (x) => tf.sum(x)),
  op("sum, axes kept", [[3, 4, 5]], (x: T3) => tf.sum(x, [0, 2], true)),
  op("mean", [[3, 4, 5]], (x: T3) => tf.mean(x, 1)),
  op("mean over space", [image], (x: T4) => tf.mean(x, [1, 2])),
  unary("max", (x) => tf.max(x, 1)),
  unary("min", (x) => tf.min(x, 0)),
  unary("prod", (x) => tf.prod(x, 1)),
  unary("moments", (x) => {
    const { mean, variance } = tf.moments(x, [0]);
    return tf.add(mean, variance);
  }),
  unary("norm", (x) => tf.norm(x)),
  unary("logSumExp", (x) => tf.logSumExp(x, 1)),
  unary("cumsum", (x) => tf.cumsum(x, 1)),
  flat("argMax", [[3, 4]], (x: T2) => tf.argMax(x, 1)),
  flat("topk, values", [[3, 4]], (x: T2) => tf.topk(x, 2).values),
  flat("topk, indices", [[3, 4]], (x: T2) => tf.topk(x, 2).indices),
];

const movement: Cases = [
  op("gather rows", [[6, 4]], (x: T2) => tf.gather(x, ids())),
  op("gather along axis 1", [[3, 6, 2]], (x: T3) => tf.gather(x, ids(), 1)),
  op("unsortedSegmentSum", [[6, 4]], (x: T2) =>
    tf.unsortedSegmentSum(x, ids(), 7),
  ),
  overImage("resize, bilinear", (x) => tf.image.resizeBilinear(x, [17, 15])),
  overImage("resize, corners aligned", (x) =>
    tf.image.resizeBilinear(x, [5, 15], true),
  ),
  overImage("resize, half-pixel centres", (x) =>
    tf.image.resizeBilinear(x, [17, 15], false, true),
  ),
  overImage("resize, nearest", (x) =>
    tf.image.resizeNearestNeighbor(x, [18, 16]),
  ),
  op(
    "concat",
    [
      [3, 4],
      [3, 2],
    ],
    (a: T2, b: T2) => tf.concat([a, b], 1),
  ),
  op("split", [[3, 6]], (x: T2) => {
    const [a, , c] = tf.split(x, [1, 2, 3], 1) as [T2, T2, T2];
    return tf.add(tf.mul(a, 2), tf.sum(c, 1, true));
  }),
  op("slice", [[3, 4]], (x: T2) => tf.slice(x, [1, 0], [2, 3])),
  op("pad", [[3, 4]], (x: T2) =>
    tf.pad(
      x,
      [
        [1, 0],
        [2, 3],
      ],
      0.5,
    ),
  ),
  op("mirrorPad", [[3, 4]], (x: T2) =>
    tf.mirrorPad(
      x,
      [
        [1, 1],
        [2, 1],
      ],
      "reflect",
    ),
  ),
  unary("reverse", (x) => tf.reverse(x, 1)),
  unary("reshape with -1", (x) => tf.reshape(x, [2, -1])),
  op("transpose", [[3, 4, 5]], (x: T3) => tf.transpose(x, [2, 0, 1])),
  unary("expandDims and squeeze", (x) => tf.squeeze(tf.expandDims(x, 1))),
  pair("stack and unstack", [3, 4], [3, 4], (a, b) => {
    const [, second] = tf.unstack(tf.stack([a, b], 1), 0);
    return second as tf.Tensor;
  }),
  op("tile", [[3, 4]], (x: T2) => tf.tile(x, [2, 3])),
  op("broadcastTo", [[1, 4]], (x: T2) => tf.broadcastTo(x, [3, 4])),
  op("zeros, ones, fill, range", [[3, 40]], (x: T2) =>
    tf.addN([
      tf.mul(x, tf.onesLike(x)),
      tf.zeros([3, 40]),
      // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- tf.fill, not Array's
      tf.fill([3, 40], 7),
      tf.tile(tf.expandDims(tf.range(0, 40), 0), [3, 1]),
    ]),
  ),
  op("spaceToBatchND and back", [image], (x: T4) => {
    const pads = [
      [1, 0],
      [0, 0],
    ];
    return tf.batchToSpaceND(tf.spaceToBatchND(x, [2, 2], pads), [2, 2], pads);
  }),
  flat("depthToSpace", [image], (x: T4) => tf.depthToSpace(x, 2)),
  flat("stridedSlice", [[3, 4]], (x: T2) =>
    tf.stridedSlice(x, [0, 1], [3, 4], [2, 1]),
  ),
  flat("oneHot", [[3, 4]], (x: T2) => tf.oneHot(tf.argMax<T1>(x, 1), 4)),
];

export const opCases: Cases = [
  ...networkCases,
  ...arithmetic,
  ...products,
  ...reductions,
  ...movement,
];
