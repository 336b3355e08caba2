/**
 * Small networks as ordinary tfjs-core code, for whole training steps: conv + batch norm, bottlenecks, AlexNet with local response
 * normalisation, groups and dropout, and hypercolumns with locations sampled in the graph.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  batchNormTrain,
  biasAdd,
  conv2d,
  dropout,
  randomInteger,
  softmaxCrossEntropy,
  sparseSoftmaxCrossEntropy,
} from "../../src/engine/engine.ts";
import type { Inputs, TypedArray } from "../../src/engine/engine.ts";
import type { Shape, TensorOf } from "../../src/engine/graph/types.ts";
import { pseudoRandom, sizeOf } from "./engine.ts";

export interface Network {
  readonly variables: readonly tf.Variable[];
  readonly inputs: Inputs;
  /** A batch; another one for each step. */
  readonly batch: (step: number) => Record<string, TypedArray>;
  readonly loss: (inputs: Readonly<Record<string, tf.Tensor>>) => tf.Scalar;
}

/** Makes variables under names that one process uses only once. */
class Parameters {
  readonly all: tf.Variable[] = [];
  readonly #name: string;
  constructor(name: string) {
    this.#name = name;
  }
  add<const S extends Shape>(
    shape: S,
    deviation: number,
    fill = 0,
  ): TensorOf<S> {
    const k = this.all.length;
    const values =
      deviation === 0
        ? new Float32Array(sizeOf(shape)).fill(fill)
        : pseudoRandom(sizeOf(shape), k + 1, deviation);
    const made = tf.tidy(() =>
      tf.variable(tf.tensor(values, [...shape]), true, `${this.#name}/${k}`),
    );
    this.all.push(made);
    return made as tf.Tensor as TensorOf<S>;
  }
  filter(size: number, from: number, to: number): tf.Tensor4D {
    const deviation = Math.sqrt(2 / (size * size * from));
    return this.add([size, size, from, to], deviation);
  }
  norm(channels: number): { gamma: tf.Tensor1D; beta: tf.Tensor1D } {
    return { gamma: this.add([channels], 0, 1), beta: this.add([channels], 0) };
  }
  dense(from: number, to: number) {
    const weights = this.add([from, to], Math.sqrt(1 / from));
    return { weights, bias: this.add([to], 0) };
  }
}
type Dense = ReturnType<Parameters["dense"]>;
const apply = (x: tf.Tensor2D, { weights, bias }: Dense): tf.Tensor2D =>
  biasAdd(tf.matMul(x, weights), bias);

const CLASSES = 10;
const classified = (logits: tf.Tensor2D, y: tf.Tensor | undefined): tf.Scalar =>
  tf.mean(sparseSoftmaxCrossEntropy(logits, y as tf.Tensor1D));
const labels = (n: number, step: number): Int32Array =>
  Int32Array.from({ length: n }, (_, k) => (k * 7 + step) % CLASSES);
const imageBatch = (shape: number[]) => (step: number) => ({
  x: pseudoRandom(sizeOf(shape), 700 + step),
  y: labels(shape[0] ?? 0, step),
});

export function convolutional(name: string): Network {
  const p = new Parameters(name);
  const shape = [4, 20, 20, 3];
  const blocks = [
    { filter: p.filter(3, 3, 16), norm: p.norm(16) },
    { filter: p.filter(3, 16, 32), norm: p.norm(32) },
    { filter: p.filter(3, 32, 32), norm: p.norm(32) },
  ];
  const head = p.dense(32, CLASSES);
  return {
    variables: p.all,
    inputs: { x: { shape }, y: { shape: [4], dtype: "int32" } },
    batch: imageBatch(shape),
    loss: ({ x, y }) => {
      let h = x as tf.Tensor4D;
      for (const { filter, norm } of blocks) {
        h = tf.relu(batchNormTrain(conv2d(h, filter, { pad: 1 }), norm).y);
        h = tf.maxPool(h, 2, 2, "valid");
      }
      return classified(apply(tf.mean(h, [1, 2]), head), y);
    },
  };
}

export function bottlenecks(name: string): Network {
  const p = new Parameters(name);
  const shape = [4, 16, 16, 3];
  const unit = (size: number, from: number, to: number, stride: number) => ({
    filter: p.filter(size, from, to),
    norm: p.norm(to),
    options: { stride, pad: (size - 1) / 2 },
  });
  type Unit = ReturnType<typeof unit>;
  const stem = unit(3, 3, 16, 1);
  let from = 16;
  const blocks = [
    { width: 8, stride: 1 },
    { width: 16, stride: 2 },
    { width: 16, stride: 1 },
  ].map(({ width, stride }) => {
    const to = 4 * width;
    const isPlain = from === to && stride === 1;
    const block = {
      path: [
        unit(1, from, width, 1),
        unit(3, width, width, stride),
        unit(1, width, to, 1),
      ],
      shortcut: isPlain ? null : unit(1, from, to, stride),
    };
    from = to;
    return block;
  });
  const head = p.dense(from, CLASSES);
  const run = (x: tf.Tensor4D, u: Unit): tf.Tensor4D =>
    batchNormTrain(conv2d(x, u.filter, u.options), u.norm).y;
  return {
    variables: p.all,
    inputs: { x: { shape }, y: { shape: [4], dtype: "int32" } },
    batch: imageBatch(shape),
    loss: ({ x, y }) => {
      let h = tf.relu(run(x as tf.Tensor4D, stem));
      for (const { path, shortcut } of blocks) {
        let inner = h;
        path.forEach((u, k) => {
          const out = run(inner, u);
          inner = k < path.length - 1 ? tf.relu(out) : out;
        });
        h = tf.relu(tf.add(inner, shortcut === null ? h : run(h, shortcut)));
      }
      return classified(apply(tf.mean(h, [1, 2]), head), y);
    },
  };
}

export function alexnet(name: string): Network {
  const p = new Parameters(name);
  const shape = [4, 79, 79, 3];
  const bias = (n: number) => p.add([n], 0);
  const [first, firstBias] = [p.filter(11, 3, 32), bias(32)];
  const [grouped, groupedBias] = [p.filter(5, 16, 64), bias(64)];
  const [third, thirdBias] = [p.filter(3, 64, 64), bias(64)];
  const [hidden, head] = [p.dense(1024, 64), p.dense(64, CLASSES)];
  const lrn = (x: tf.Tensor4D): tf.Tensor4D =>
    tf.localResponseNormalization(x, 2, 1, 1e-4, 0.75);
  return {
    variables: p.all,
    inputs: {
      x: { shape },
      y: { shape: [4], dtype: "int32" },
      seed: { shape: [2], dtype: "int32" },
    },
    batch: (step) => ({
      ...imageBatch(shape)(step),
      seed: Int32Array.of(11, step),
    }),
    loss: ({ x, y, seed }) => {
      const conv = conv2d(x as tf.Tensor4D, first, { stride: 4, pad: 2 });
      // Not overlapping, as AlexNet's own pools are: those add up in another order when compiled (see training.test.ts).
      let h = tf.maxPool(lrn(tf.relu(biasAdd(conv, firstBias))), 2, 2, "valid");
      const [xs, ws] = [tf.split(h, 2, 3), tf.split(grouped, 2, 3)];
      const halves = [0, 1].map((k) =>
        conv2d(xs[k] as tf.Tensor4D, ws[k] as tf.Tensor4D, { pad: 2 }),
      );
      h = lrn(tf.relu(biasAdd(tf.concat(halves, 3), groupedBias)));
      h = tf.relu(biasAdd(conv2d(h, third, { pad: 1 }), thirdBias));
      h = tf.avgPool(h, 2, 2, "same");
      const flat = tf.reshape(
        tf.slice(h, [0, 0, 0, 0], [4, 4, 4, 64]),
        [4, -1],
      );
      const features = tf.relu(apply(flat as tf.Tensor2D, hidden));
      const source = { seed: seed as tf.Tensor1D, stream: 0 };
      return classified(apply(dropout(features, 0.5, source), head), y);
    },
  };
}

export function hypercolumns(name: string): Network {
  const p = new Parameters(name);
  const [batch, size, locations, bins] = [2, 32, 24, 16];
  const widths = [8, 16, 32];
  let from = 1;
  const filters = widths.map((to) => {
    const filter = p.filter(3, from, to);
    from = to;
    return filter;
  });
  const hidden = p.dense(8 + 16 + 32, 48);
  const head = p.dense(48, bins);
  const rows = batch * locations;
  /** Bilinear read at integer pixels (y, x) of the full image, without an upsampled map. */
  const read = (map: tf.Tensor4D, y: tf.Tensor, x: tf.Tensor): tf.Tensor2D => {
    const [, side, , channels] = map.shape;
    const stride = size / side;
    const place = (at: tf.Tensor) =>
      tf.clipByValue(
        tf.div(tf.sub(tf.cast(at, "float32"), (stride - 1) / 2), stride),
        0,
        side - 1 - 1e-4,
      );
    const [v, u] = [place(y), place(x)];
    const [v0, u0] = [tf.floor(v), tf.floor(u)];
    const [fv, fu] = [tf.sub(v, v0), tf.sub(u, u0)].map((f) =>
      tf.reshape(f, [rows, 1]),
    ) as [tf.Tensor, tf.Tensor];
    const image = tf.reshape(tf.range(0, batch), [batch, 1]);
    const base = tf.cast(
      tf.add(tf.mul(tf.add(tf.mul(image, side), v0), side), u0),
      "int32",
    );
    const flat = tf.reshape(map, [-1, channels]);
    const corner = (offset: number) =>
      tf.gather(
        flat,
        tf.reshape<tf.Rank.R1>(tf.add(base, tf.scalar(offset, "int32")), [
          rows,
        ]),
      );
    const mix = (a: tf.Tensor, b: tf.Tensor, f: tf.Tensor): tf.Tensor2D =>
      tf.add(tf.mul(a, tf.sub(1, f)), tf.mul(b, f));
    const [top, bottom] = [
      mix(corner(0), corner(1), fu),
      mix(corner(side), corner(side + 1), fu),
    ];
    return mix(top, bottom, fv);
  };
  return {
    variables: p.all,
    inputs: {
      x: { shape: [batch, size, size, 1] },
      t: { shape: [rows, bins] },
      seed: { shape: [2], dtype: "int32" },
    },
    batch: (step) => ({
      x: pseudoRandom(batch * size * size, 500 + step),
      t: distributions(rows, bins, 600 + step),
      seed: Int32Array.of(5, step),
    }),
    loss: ({ x, t, seed }) => {
      const source = (stream: number) => ({
        seed: seed as tf.Tensor1D,
        stream,
      });
      const y = randomInteger([batch, locations], size, source(1));
      const z = randomInteger([batch, locations], size, source(2));
      let h = x as tf.Tensor4D;
      const columns = filters.map((filter, k) => {
        if (k > 0) h = tf.maxPool(h, 2, 2, "valid");
        h = tf.relu(batchNormTrain(conv2d(h, filter)).y);
        return read(h, y, z);
      });
      const features = tf.relu(apply(tf.concat(columns, 1), hidden));
      const dropped = dropout(features, 0.5, source(3));
      const losses = softmaxCrossEntropy(
        apply(dropped, head),
        t as tf.Tensor2D,
      );
      return tf.mean(losses);
    },
  };
}
function distributions(rows: number, bins: number, seed: number): Float32Array {
  const values = pseudoRandom(rows * bins, seed).map((v) => Math.exp(v));
  for (let r = 0; r < rows; r += 1) {
    const row = values.subarray(r * bins, (r + 1) * bins);
    const sum = row.reduce((a, b) => a + b, 0);
    row.forEach((v, k) => (row[k] = v / sum));
  }
  return values;
}
