/**
 * Every op that model code may use, as small cases: a function of float32 tensors, their shapes, and whether tfjs has a gradient for it.
 * The suite runs each case eagerly and compiled and compares values and gradients.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  batchNormTrain,
  biasAdd,
  conv2d,
  dropout,
  randomInteger,
  randomUniform,
  softmaxCrossEntropy,
  sparseSoftmaxCrossEntropy,
} from "../../src/engine/engine.ts";

type T1 = tf.Tensor1D;
type T2 = tf.Tensor2D;
type T3 = tf.Tensor3D;
type T4 = tf.Tensor4D;
export interface OpCase {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly gradient: boolean;
  readonly f: (...inputs: tf.Tensor[]) => tf.Tensor;
}
type Cases = readonly OpCase[];
type Shapes = readonly (readonly number[])[];

function op(
  name: string,
  shapes: Shapes,
  f: (...inputs: never[]) => tf.Tensor,
): OpCase {
  return { name, shapes, gradient: true, f: f as OpCase["f"] };
}
/** For ops that tfjs cannot differentiate, or that have no slope. */
function flat(
  name: string,
  shapes: Shapes,
  f: (...inputs: never[]) => tf.Tensor,
): OpCase {
  return { ...op(name, shapes, f), gradient: false };
}

const image = [2, 9, 8, 4];
const positive = <T extends tf.Tensor>(x: T): T => tf.add(tf.abs(x), 0.5);
const ids = () => tf.tensor1d([3, 0, 3, 1, 5, 3], "int32");
const labels = () => tf.tensor1d([0, 2, 1], "int32");
const unary = (name: string, f: (x: tf.Tensor) => tf.Tensor): OpCase =>
  op(name, [[3, 4]], f);
const overImage = (name: string, f: (x: T4) => tf.Tensor): OpCase =>
  op(name, [image], f);
const pair = (
  name: string,
  a: number[],
  b: number[],
  f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): OpCase => op(name, [a, b], f);
const conv = (
  name: string,
  filter: number[],
  f: (x: T4, w: T4) => tf.Tensor,
): OpCase => op(name, [image, filter], f);

const convolutions: Cases = [
  conv("conv, same", [3, 3, 4, 6], (x, w) => tf.conv2d(x, w, 1, "same")),
  conv("conv, valid, stride 2", [3, 3, 4, 6], (x, w) =>
    tf.conv2d(x, w, 2, "valid"),
  ),
  conv("conv, number as padding", [5, 5, 4, 6], (x, w) =>
    tf.conv2d(x, w, 2, 2),
  ),
  conv("conv, explicit padding", [3, 3, 4, 6], (x, w) =>
    tf.conv2d(x, w, 1, [
      [0, 0],
      [1, 2],
      [0, 3],
      [0, 0],
    ]),
  ),
  conv("conv, same, stride 2, even kernel", [4, 4, 4, 6], (x, w) =>
    tf.conv2d(x, w, 2, "same"),
  ),
  conv("conv, dilated, same", [3, 3, 4, 6], (x, w) =>
    tf.conv2d(x, w, 1, "same", "NHWC", 2),
  ),
  conv("own conv2d, dilated, number as padding", [3, 3, 4, 6], (x, w) =>
    conv2d(x, w, { pad: 3, dilation: 3 }),
  ),
  conv("own conv2d, number that is the same as SAME", [3, 3, 4, 6], (x, w) =>
    conv2d(x, w, { pad: 1 }),
  ),
  conv("own conv2d, stride 2", [3, 3, 4, 6], (x, w) =>
    conv2d(x, w, { pad: 1, stride: 2 }),
  ),
  conv("conv in two groups", [3, 3, 2, 6], (x, w) => {
    const [xs, ws] = [tf.split(x, 2, 3), tf.split(w, 2, 3)];
    const halves = [0, 1].map((k) =>
      tf.conv2d(xs[k] as T4, ws[k] as T4, 1, "same"),
    );
    return tf.concat(halves, 3);
  }),
  op(
    "conv of one image without batch",
    [
      [9, 8, 4],
      [3, 3, 4, 6],
    ],
    (x: T3, w: T4) => tf.conv2d(x, w, 1, "same"),
  ),
  conv("depthwise conv", [3, 3, 4, 2], (x, w) =>
    tf.depthwiseConv2d(x, w, 1, "same"),
  ),
  op(
    "separable conv",
    [image, [3, 3, 4, 2], [1, 1, 8, 5]],
    (x: T4, depth: T4, point: T4) =>
      tf.separableConv2d(x, depth, point, 1, "same"),
  ),
  conv("transposed conv", [3, 3, 3, 4], (x, w) =>
    tf.conv2dTranspose(x, w, [2, 18, 16, 3], 2, "same"),
  ),
  op("fused conv", [image, [3, 3, 4, 6], [6]], (x: T4, filter: T4, bias: T1) =>
    tf.fused.conv2d({
      x,
      filter,
      strides: 1,
      pad: "same",
      bias,
      activation: "relu",
    }),
  ),
];

const normalisation: Cases = [
  op(
    "batch norm, training",
    [image, [4], [4]],
    (x: T4, gamma: T1, beta: T1) => batchNormTrain(x, { gamma, beta }).y,
  ),
  overImage("batch norm, training, no affine", (x) => batchNormTrain(x).y),
  op("batch norm from moments", [image, [4], [4]], (x: T4, g: T1, b: T1) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.batchNorm(x, mean as T1, variance as T1, b, g, 1e-5);
  }),
  op("batch norm, inference", [image, [4], [4]], (x: T4, m: T1, v: T1) =>
    tf.batchNorm(x, m, positive(v), tf.zeros([4]), tf.ones([4]), 1e-3),
  ),
  overImage("local response normalisation", (x) =>
    tf.localResponseNormalization(x, 2, 1, 1e-2, 0.75),
  ),
  op("own biasAdd", [image, [4]], (x: T4, b: T1) => biasAdd(x, b)),
];

const pooling: Cases = [
  overImage("max pool", (x) => tf.maxPool(x, 3, 2, "valid")),
  overImage("max pool, same", (x) => tf.maxPool(x, 2, 2, "same")),
  overImage("average pool", (x) => tf.avgPool(x, 3, 2, "valid")),
  overImage("average pool, same", (x) => tf.avgPool(x, 2, 2, "same")),
];

const activations: Cases = [
  overImage("relu", (x) => tf.relu(x)),
  overImage("relu6", (x) => tf.relu6(x)),
  overImage("leakyRelu", (x) => tf.leakyRelu(x, 0.1)),
  overImage("elu", (x) => tf.elu(x)),
  op("prelu", [image, [4]], (x: tf.Tensor, a: tf.Tensor) => tf.prelu(x, a)),
  overImage("sigmoid", (x) => tf.sigmoid(x)),
  overImage("tanh", (x) => tf.tanh(x)),
  overImage("softplus", (x) => tf.softplus(x)),
  overImage("selu", (x) => tf.selu(x)),
  overImage("swish", (x) => tf.mul(x, tf.sigmoid(x))),
  overImage("gelu", (x) =>
    tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.div(x, Math.SQRT2)))),
  ),
];

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

const losses: Cases = [
  unary("softmax", (x) => tf.softmax(x)),
  unary("logSoftmax", (x) => tf.logSoftmax(x)),
  pair("softmax cross-entropy of tfjs", [3, 4], [3, 4], (x, t) =>
    tf.losses.softmaxCrossEntropy(tf.softmax(t), x),
  ),
  pair("sigmoid cross-entropy", [3, 4], [3, 4], (x, t) =>
    tf.losses.sigmoidCrossEntropy(tf.sigmoid(t), x),
  ),
  pair("huber loss", [3, 4], [3, 4], (x, t) => tf.losses.huberLoss(t, x)),
  pair("mean squared error", [3, 4], [3, 4], (x, t) =>
    tf.losses.meanSquaredError(t, x),
  ),
  pair("cosine distance", [3, 4], [3, 4], (x, t) =>
    tf.losses.cosineDistance(t, x, 1),
  ),
  unary("weighted cross-entropy", (x) =>
    tf.losses.softmaxCrossEntropy(
      tf.oneHot(labels(), 4),
      x,
      tf.tensor1d([1, 2, 0]),
    ),
  ),
  op("own sparse cross-entropy", [[3, 4]], (x: T2) =>
    sparseSoftmaxCrossEntropy(x, labels()),
  ),
  op(
    "own soft cross-entropy",
    [
      [3, 4],
      [3, 4],
    ],
    (x: T2, t: T2) => softmaxCrossEntropy(x, tf.softmax(t)),
  ),
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

const seed = () => tf.tensor1d([5, 6], "int32");
const random: Cases = [
  op("own dropout", [[30, 4]], (x: T2) =>
    dropout(x, 0.4, { seed: seed(), stream: 3 }),
  ),
  op("own randomUniform", [[6, 4]], (x: T2) =>
    tf.mul(x, randomUniform([6, 4], { seed: seed(), stream: 1 })),
  ),
  op("rows at random places", [[6, 4]], (x: T2) =>
    tf.gather(x, randomInteger([5], 6, { seed: seed(), stream: 2 })),
  ),
];

export const opCases: Cases = [
  ...convolutions,
  ...normalisation,
  ...pooling,
  ...activations,
  ...arithmetic,
  ...products,
  ...reductions,
  ...losses,
  ...movement,
  ...random,
];
