/** Own kernels against independent formulas: numeric gradients, plain loops, and the rules that other frameworks follow. */
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import {
  batchNormTrain,
  conv2d,
  dropout,
  jit,
  randomInteger,
  randomUniform,
  softmaxCrossEntropy,
  sparseSoftmaxCrossEntropy,
  symmetricEigen,
} from "../../src/engine/engine.ts";
import {
  pseudoRandom,
  relativeDifference,
  sizeOf,
  testEngine,
} from "../support/engine.ts";

const engine = testEngine();

/** Central differences of a scalar function, one input value after the other. */
function numericGradient(
  f: (x: Float32Array) => number,
  x: Float32Array,
  step: number,
): number[] {
  return Array.from(x, (_, k) => {
    const at = (offset: number): number => {
      const moved = x.slice();
      moved[k] = (moved[k] ?? 0) + offset;
      return f(moved);
    };
    return (at(step) - at(-step)) / (2 * step);
  });
}
function gradientDifference(
  f: (x: tf.Tensor) => tf.Tensor,
  shape: number[],
  step = 1e-2,
): number {
  return tf.tidy(() => {
    const start = pseudoRandom(sizeOf(shape), 5);
    const scalar = (x: tf.Tensor): tf.Scalar => {
      const y = f(x);
      return tf.sum(tf.mul(y, tf.tensor(pseudoRandom(y.size, 9), y.shape)));
    };
    const exact = tf.grad(scalar)(tf.tensor(start, shape));
    expect(exact.shape).toEqual(shape);
    const numeric = numericGradient(
      (x) => tf.tidy(() => scalar(tf.tensor(x, shape)).dataSync()[0] ?? 0),
      start,
      step,
    );
    return relativeDifference(exact.dataSync(), numeric);
  });
}

describe("gradients agree with central differences", () => {
  const other = (shape: number[]) =>
    tf.tensor(pseudoRandom(sizeOf(shape), 3), shape);
  test.each<[string, (x: tf.Tensor) => tf.Tensor, number[]]>([
    [
      "bilinear resize with half-pixel centres, upwards",
      (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [7, 5], false, true),
      [1, 3, 4, 2],
    ],
    [
      "bilinear resize with half-pixel centres, downwards",
      (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [3, 2], false, true),
      [1, 5, 4, 2],
    ],
    [
      "bilinear resize with aligned corners",
      (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [7, 5], true),
      [1, 3, 4, 2],
    ],
    [
      "maximum, first operand broadcast",
      (x) => tf.maximum(x, other([3, 4])),
      [4],
    ],
    [
      "maximum, second operand broadcast",
      (x) => tf.maximum(other([3, 4]), x),
      [3, 1],
    ],
    ["minimum, broadcast", (x) => tf.minimum(x, other([3, 4])), [1, 4]],
    [
      "squaredDifference, broadcast",
      (x) => tf.squaredDifference(other([3, 4]), x),
      [4],
    ],
    ["sum over axes", (x) => tf.sum(x, [0, 2]), [2, 3, 4]],
    ["mean over axes", (x) => tf.mean(x, [1]), [2, 3, 4]],
    [
      "gather with repeated rows",
      (x) => tf.gather(x, tf.tensor1d([2, 0, 2], "int32")),
      [3, 4],
    ],
    [
      "batch norm in training",
      (x) => batchNormTrain(x as tf.Tensor4D).y,
      [2, 3, 3, 2],
    ],
    [
      "dilated convolution with padding",
      (x) =>
        conv2d(x as tf.Tensor4D, other([3, 3, 2, 3]) as tf.Tensor4D, {
          pad: 2,
          dilation: 2,
        }),
      [1, 5, 6, 2],
    ],
    [
      "sparse cross-entropy",
      (x) =>
        sparseSoftmaxCrossEntropy(
          x as tf.Tensor2D,
          tf.tensor1d([1, 3, 0], "int32"),
        ),
      [3, 4],
    ],
    [
      "soft cross-entropy by the logits",
      (x) =>
        softmaxCrossEntropy(
          x as tf.Tensor2D,
          tf.softmax(other([3, 4])) as tf.Tensor2D,
        ),
      [3, 4],
    ],
  ])("%s", (_, f, shape) => {
    expect(gradientDifference(f, shape)).toBeLessThan(5e-3);
  });
});

describe("conv2d", () => {
  test.each([
    { pad: 0, stride: 1, dilation: 1, kernel: 3 },
    { pad: 1, stride: 1, dilation: 1, kernel: 3 },
    { pad: 1, stride: 2, dilation: 1, kernel: 3 },
    { pad: 2, stride: 2, dilation: 1, kernel: 5 },
    { pad: 2, stride: 1, dilation: 2, kernel: 3 },
    { pad: 1, stride: 1, dilation: 1, kernel: 4 },
  ])(
    "pads by a number as PyTorch does: $pad, stride $stride, dilation $dilation, kernel $kernel",
    (c) => {
      const [h, w] = [7, 6];
      const x = pseudoRandom(h * w, 1);
      const k = pseudoRandom(c.kernel * c.kernel, 2);
      const size = (n: number): number =>
        Math.floor(
          (n + 2 * c.pad - c.dilation * (c.kernel - 1) - 1) / c.stride,
        ) + 1;
      const want: number[] = [];
      for (let oy = 0; oy < size(h); oy += 1)
        for (let ox = 0; ox < size(w); ox += 1) {
          let sum = 0;
          for (let ky = 0; ky < c.kernel; ky += 1)
            for (let kx = 0; kx < c.kernel; kx += 1) {
              const y = oy * c.stride - c.pad + ky * c.dilation;
              const z = ox * c.stride - c.pad + kx * c.dilation;
              if (y < 0 || y >= h || z < 0 || z >= w) continue;
              sum += (x[y * w + z] ?? 0) * (k[ky * c.kernel + kx] ?? 0);
            }
          want.push(sum);
        }
      const got = tf.tidy(() => {
        const out = conv2d(
          tf.tensor4d(x, [1, h, w, 1]),
          tf.tensor4d(k, [c.kernel, c.kernel, 1, 1]),
          { pad: c.pad, stride: c.stride, dilation: c.dilation },
        );
        expect(out.shape).toEqual([1, size(h), size(w), 1]);
        return out.dataSync();
      });
      expect(relativeDifference(got, want)).toBeLessThan(1e-5);
    },
  );
});

test("a symmetric matrix is put together again by its eigenvectors and eigenvalues, which rise", () => {
  const half = tf.tensor2d(pseudoRandom(36, 8), [6, 6]);
  const matrix = tf.add<tf.Tensor2D>(half, tf.transpose(half));
  const { values, vectors } = symmetricEigen(matrix);
  const rising = [...values.dataSync()];
  expect(rising).toEqual(rising.toSorted((a, b) => a - b));
  const again = tf.matMul(tf.mul(vectors, values), vectors, false, true);
  expect(relativeDifference(again.dataSync(), matrix.dataSync())).toBeLessThan(
    1e-5,
  );
});

test("batch norm returns the batch's mean and its unbiased variance", () => {
  const [rows, channels] = [8, 3];
  const x = pseudoRandom(rows * channels, 4);
  const column = (c: number) => x.filter((_, k) => k % channels === c);
  const mean = (v: Float32Array) => v.reduce((a, b) => a + b, 0) / v.length;
  const squares = (v: Float32Array) =>
    v.reduce((a, b) => a + (b - mean(v)) ** 2, 0);
  tf.tidy(() => {
    const r = batchNormTrain(tf.tensor4d(x, [2, 2, 2, channels]));
    const want = [0, 1, 2].map(column);
    expect(relativeDifference(r.mean.dataSync(), want.map(mean))).toBeLessThan(
      1e-5,
    );
    const variances = want.map((v) => squares(v) / (rows - 1));
    expect(relativeDifference(r.variance.dataSync(), variances)).toBeLessThan(
      1e-5,
    );
    const [first = new Float32Array()] = want;
    const y0 =
      ((first[0] ?? 0) - mean(first)) / Math.sqrt(squares(first) / rows + 1e-5);
    expect(r.y.dataSync()[0]).toBeCloseTo(y0, 5);
  });
});

describe("random numbers in the graph", () => {
  const source = (seed: number, step: number, stream = 0) => ({
    seed: tf.tensor1d([seed, step], "int32"),
    stream,
  });
  const draw = (seed: number, step: number, stream = 0): number[] =>
    tf.tidy(() => [
      ...randomUniform([500], source(seed, step, stream)).dataSync(),
    ]);

  test("are a function of seed, step and stream, each of which matters", () => {
    expect(draw(1, 2, 3)).toEqual(draw(1, 2, 3));
    const different = [
      draw(1, 2, 3),
      draw(2, 2, 3),
      draw(1, 3, 3),
      draw(1, 2, 4),
    ];
    expect(new Set(different.map(String)).size).toBe(4);
  });

  test("are uniform in [0, 1)", () => {
    const numbers = [0, 1, 2, 3].flatMap((step) => draw(7, step));
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    const mean = numbers.reduce((a, b) => a + b) / numbers.length;
    // Standard error 0.0065.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
  });

  test("as integers reach every value below the limit and no other", () => {
    const integers = tf.tidy(() => [
      ...randomInteger([300], 6, source(1, 1)).dataSync(),
    ]);
    expect([...new Set(integers)].toSorted((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
  });

  test("dropout is fresh in every step, reproducible from (seed, step), and the same compiled", async () => {
    const x = new Float32Array(2000).fill(1);
    const call = await jit(
      engine,
      { x: { shape: [2000] }, seed: { shape: [2], dtype: "int32" } },
      ({ x: input, seed }) => ({ y: dropout(input, 0.4, { seed, stream: 5 }) }),
    );
    const compiled = async (step: number) => [
      ...(await call({ x, seed: Int32Array.of(3, step) })).y.data,
    ];
    const eager = (step: number) =>
      tf.tidy(() => [
        ...dropout(tf.tensor1d(x), 0.4, source(3, step, 5)).dataSync(),
      ]);
    const [one, two] = [await compiled(1), await compiled(2)];
    expect(one).toEqual(eager(1));
    expect(two).toEqual(eager(2));
    expect(await compiled(1)).toEqual(one);
    expect(one).not.toEqual(two);
    const kept = one.filter((v) => v !== 0);
    expect(kept.every((v) => Math.abs(v - 1 / 0.6) < 1e-6)).toBe(true);
    expect(Math.abs(kept.length / 2000 - 0.6)).toBeLessThan(0.05);
    await call.program.close();
  });
});
