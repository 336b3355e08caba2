/**
 * The network of the training-step benchmark: the colorization pretext of the tiny study, in two op sets. `own` are the engine's ops,
 * `stock` those of TensorFlow.js as it is published. bench/train_step.py is the same network in PyTorch.
 *
 * Six 3x3 convolutions, 16-32-64-64-128-128 wide, max-pool before the 2nd, 3rd and 5th, batch norm without scale and shift; a
 * hypercolumn of all six layers read at 32 locations of each 32x32 gray image; 128 hidden units with dropout; two heads of 16 bins.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  batchNormTrain,
  biasAdd,
  conv2d,
  dropout,
  softmaxCrossEntropy,
} from "../src/engine/engine.ts";
import type { Inputs, TypedArray } from "../src/engine/engine.ts";

export const SIDE = 32;
export const LOCATIONS = 32;
const BINS = 16;
const HIDDEN = 128;
const LAYERS = [
  { width: 16, pool: false },
  { width: 32, pool: true },
  { width: 64, pool: true },
  { width: 64, pool: false },
  { width: 128, pool: true },
  { width: 128, pool: false },
] as const;

export interface Ops {
  readonly conv: (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor4D;
  readonly norm: (x: tf.Tensor4D) => tf.Tensor4D;
  readonly bias: <T extends tf.Tensor>(x: T, bias: tf.Tensor1D) => T;
  readonly drop: (
    x: tf.Tensor2D,
    rate: number,
    seed: tf.Tensor1D,
  ) => tf.Tensor2D;
  /** Kullback-Leibler divergence per row. */
  readonly divergence: (logits: tf.Tensor2D, t: tf.Tensor2D) => tf.Tensor;
}
/** Sum of t log t per row, by which the divergence differs from the cross-entropy. */
const negativeEntropy = (t: tf.Tensor): tf.Tensor =>
  tf.sum(tf.mul(t, tf.log(tf.add(t, 1e-9))), 1);

export const own: Ops = {
  conv: (x, filter) => conv2d(x, filter),
  norm: (x) => batchNormTrain(x).y,
  bias: biasAdd,
  drop: (x, rate, seed) => dropout(x, rate, { seed, stream: 0 }),
  divergence: (logits, t) =>
    tf.add(softmaxCrossEntropy(logits, t), negativeEntropy(t)),
};
export const stock: Ops = {
  conv: (x, filter) => tf.conv2d(x, filter, 1, "same"),
  norm: (x) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const shape: [number] = [x.shape[3]];
    return tf.batchNorm4d(
      x,
      mean as tf.Tensor1D,
      variance as tf.Tensor1D,
      tf.zeros<tf.Rank.R1>(shape),
      tf.ones<tf.Rank.R1>(shape),
      1e-5,
    );
  },
  bias: (x, bias) => tf.add(x, bias),
  drop: (x, rate) => (rate === 0 ? x : (tf.dropout(x, rate) as tf.Tensor2D)),
  divergence: (logits, t) =>
    tf.sub(negativeEntropy(t), tf.sum(tf.mul(t, tf.logSoftmax(logits)), 1)),
};

/** Start values by name, in the layouts of TensorFlow; bench/train_step.py transposes them. */
export function startValues(): {
  name: string;
  shape: number[];
  data: Float32Array;
}[] {
  const made: { name: string; shape: number[]; data: Float32Array }[] = [];
  const add = (name: string, shape: number[], limit: number): void => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = pseudoUniform(size, made.length + 1).map(
      (u) => (2 * u - 1) * limit,
    );
    made.push({ name, shape, data });
  };
  const xavier = (from: number, to: number): number =>
    Math.sqrt(6 / (from + to));
  let from = 1;
  let columns = 0;
  LAYERS.forEach(({ width }, k) => {
    add(`conv${k}/filter`, [3, 3, from, width], xavier(9 * from, 9 * width));
    add(`conv${k}/bias`, [width], 0);
    from = width;
    columns += width;
  });
  add("hidden/weights", [columns, HIDDEN], xavier(columns, HIDDEN));
  add("hidden/bias", [HIDDEN], 0);
  add("head/weights", [HIDDEN, 2 * BINS], 0);
  add("head/bias", [2 * BINS], 0);
  return made;
}

export function batchInputs(batch: number) {
  const rows = batch * LOCATIONS;
  return {
    x: { shape: [batch, SIDE, SIDE, 1] },
    ys: { shape: [batch, LOCATIONS], dtype: "int32" },
    xs: { shape: [batch, LOCATIONS], dtype: "int32" },
    hue: { shape: [rows, BINS] },
    chroma: { shape: [rows, BINS] },
    hueWeight: { shape: [rows] },
    chromaWeight: { shape: [rows] },
  } as const satisfies Inputs;
}
export type BatchTensors = Readonly<
  Record<keyof ReturnType<typeof batchInputs>, tf.Tensor>
>;
/** A made-up batch: smooth images, random locations, peaked histograms. */
export function makeBatch(
  batch: number,
  seed: number,
): Record<string, TypedArray> {
  const rows = batch * LOCATIONS;
  const places = (s: number): Int32Array =>
    Int32Array.from(
      pseudoUniform(rows, s),
      (u) => 3 + Math.floor(u * (SIDE - 6)),
    );
  const histograms = (s: number): Float32Array => {
    const h = pseudoUniform(rows * BINS, s).map((u) => u ** 6);
    for (let r = 0; r < rows; r += 1) {
      const row = h.subarray(r * BINS, (r + 1) * BINS);
      const sum = row.reduce((a, b) => a + b, 0);
      row.forEach((v, k) => (row[k] = v / sum));
    }
    return h;
  };
  return {
    x: pseudoUniform(batch * SIDE * SIDE, seed).map((u) => u - 0.5),
    ys: places(seed + 1),
    xs: places(seed + 2),
    hue: histograms(seed + 3),
    chroma: histograms(seed + 4),
    hueWeight: pseudoUniform(rows, seed + 5),
    chromaWeight: pseudoUniform(rows, seed + 6),
  };
}
function pseudoUniform(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, k) => {
    const v = Math.sin(k * 12.9898 + seed * 78.233) * 43758.5453;
    return v - Math.floor(v);
  });
}

export class TinyNetwork {
  readonly variables = new Map<string, tf.Variable>();
  readonly #ops: Ops;
  readonly #dropout: number;

  constructor(ops: Ops, dropoutRate: number) {
    this.#ops = ops;
    this.#dropout = dropoutRate;
    for (const { name, shape, data } of startValues())
      this.variables.set(
        name,
        tf.tidy(() => tf.variable(tf.tensor(data, shape), true, name)),
      );
  }
  #get(name: string): tf.Tensor {
    const found = this.variables.get(name);
    if (found === undefined) throw new Error(`no variable '${name}'`);
    return found;
  }
  #dense(name: string, x: tf.Tensor2D): tf.Tensor2D {
    const product: tf.Tensor2D = tf.matMul(x, this.#get(`${name}/weights`));
    return this.#ops.bias(product, this.#get(`${name}/bias`) as tf.Tensor1D);
  }

  loss(input: BatchTensors, seed: tf.Tensor1D): tf.Scalar {
    const { conv, norm, bias, drop, divergence } = this.#ops;
    let h = input.x as tf.Tensor4D;
    const columns = LAYERS.map(({ pool }, k) => {
      if (pool) h = tf.maxPool(h, 2, 2, "valid");
      const raw = conv(h, this.#get(`conv${k}/filter`) as tf.Tensor4D);
      h = tf.relu(norm(bias(raw, this.#get(`conv${k}/bias`) as tf.Tensor1D)));
      return readBilinear(h, input.ys, input.xs);
    });
    const hidden = tf.relu(this.#dense("hidden", tf.concat(columns, 1)));
    const logits = this.#dense("head", drop(hidden, this.#dropout, seed));
    const [hue, chroma] = tf.split(logits, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    const part = (z: tf.Tensor2D, t: tf.Tensor, weight: tf.Tensor): tf.Scalar =>
      tf.mean(tf.mul(weight, divergence(z, t as tf.Tensor2D)));
    return tf.add(
      part(hue, input.hue, input.hueWeight),
      part(chroma, input.chroma, input.chromaWeight),
    );
  }
}

/** Bilinear values of a map at integer pixels of the full image; cell centres lie at (stride - 1) / 2. Rows: images x locations. */
function readBilinear(
  map: tf.Tensor4D,
  ys: tf.Tensor,
  xs: tf.Tensor,
): tf.Tensor2D {
  const [images, side, , channels] = map.shape;
  const rows = images * LOCATIONS;
  const stride = SIDE / side;
  const flat = tf.reshape<tf.Rank.R2>(map, [images * side * side, channels]);
  const firstRow = tf.reshape(
    tf.mul(tf.range(0, images, 1, "int32"), tf.scalar(side * side, "int32")),
    [images, 1],
  );
  const rowOf = (y: tf.Tensor, x: tf.Tensor): tf.Tensor =>
    tf.add(firstRow, tf.add(tf.mul(y, tf.scalar(side, "int32")), x));
  const gather = (index: tf.Tensor): tf.Tensor2D =>
    tf.gather(flat, tf.reshape<tf.Rank.R1>(index, [rows]));
  if (stride === 1) return gather(rowOf(ys, xs));
  const place = (at: tf.Tensor): [tf.Tensor, tf.Tensor] => {
    const u = tf.clipByValue(
      tf.div(tf.sub(tf.cast(at, "float32"), (stride - 1) / 2), stride),
      0,
      side - 1 - 1e-4,
    );
    const cell = tf.floor(u);
    return [tf.cast(cell, "int32"), tf.reshape(tf.sub(u, cell), [rows, 1])];
  };
  const [y0, fy] = place(ys);
  const [x0, fx] = place(xs);
  const base = rowOf(y0, x0);
  const corner = (offset: number): tf.Tensor2D =>
    gather(tf.add(base, tf.scalar(offset, "int32")));
  const mix = (a: tf.Tensor2D, b: tf.Tensor2D, f: tf.Tensor): tf.Tensor2D =>
    tf.add(a, tf.mul(tf.sub(b, a), f));
  return mix(
    mix(corner(0), corner(1), fx),
    mix(corner(side), corner(side + 1), fx),
    fy,
  );
}
