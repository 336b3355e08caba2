/** Op cases of networks: convolution, normalisation, pooling, activations, losses, random numbers. */
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
import {
  conv,
  image,
  labels,
  op,
  overImage,
  pair,
  positive,
  unary,
} from "./op-case.ts";
import type { Cases, T1, T2, T3, T4 } from "./op-case.ts";

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

export const networkCases: Cases = [
  ...convolutions,
  ...normalisation,
  ...pooling,
  ...activations,
  ...losses,
  ...random,
];
