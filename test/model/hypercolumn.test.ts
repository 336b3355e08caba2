import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import type { Activation } from "../../src/model/encoder.ts";
import { projectDense, readSparse } from "../../src/model/hypercolumn.ts";
import { pixelGrid } from "../../src/model/resample.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../support/engine.ts";

beforeAll(() => {
  testEngine();
});

/** A layer with random values, centred cells, for images of height x width. */
function layerOf(
  stride: number,
  width: number,
  size: readonly [number, number, number],
): Activation {
  const [images, height, imageWidth] = size;
  const shape: [number, number, number, number] = [
    images,
    Math.ceil(height / stride),
    Math.ceil(imageWidth / stride),
    width,
  ];
  const values = pseudoRandom(
    shape.reduce((n, side) => n * side, 1),
    stride + width,
  );
  return {
    name: `s${stride}`,
    width,
    stride,
    offset: (stride - 1) / 2,
    receptiveField: 1,
    maps_NHWC: tf.tensor4d(values, shape),
  };
}

/** Every pixel of every image, row by row. */
function allPlaces(images: number, height: number, width: number) {
  const ys: number[] = [];
  const xs: number[] = [];
  for (let i = 0; i < images; i++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        ys.push(y);
        xs.push(x);
      }
  return { ys: tf.tensor1d(ys, "int32"), xs: tf.tensor1d(xs, "int32") };
}

test("at stride 1 a place reads its own cell, of its own image", () => {
  const layer = layerOf(1, 3, [2, 4, 5]);
  const ys = tf.tensor1d([3, 0, 1, 2], "int32");
  const xs = tf.tensor1d([4, 1, 0, 3], "int32");
  const read = readSparse([layer], ys, xs).arraySync();
  const cells = layer.maps_NHWC.arraySync();
  expect(read).toEqual([
    cells[0]?.[3]?.[4],
    cells[0]?.[0]?.[1],
    cells[1]?.[1]?.[0],
    cells[1]?.[2]?.[3],
  ]);
});

test("between cells a place reads their bilinear mix, and beyond the outer centres the outer cell", () => {
  const maps_NHWC = tf.tensor4d([0, 1, 10, 11], [1, 2, 2, 1]);
  const layer = { ...layerOf(2, 1, [1, 4, 4]), maps_NHWC };
  // Centres lie at 0.5 and 2.5: pixel 1 is a quarter of the way, pixel 0 is before the first.
  const ys = tf.tensor1d([1, 0, 3, 2], "int32");
  const xs = tf.tensor1d([1, 0, 3, 1], "int32");
  const read = readSparse([layer], ys, xs).dataSync();
  [2.75, 0, 11, 7.75].forEach((want, i) => {
    expect(read[i]).toBeCloseTo(want, 6);
  });
});

test.each([
  ["sides that are multiples of every stride", 16, 24],
  ["odd sides", 13, 19],
  ["an image smaller than the largest stride", 5, 3],
])(
  "the sparse read-out of every pixel equals the dense one: %s",
  (_name, height, width) => {
    const layers = [1, 2, 4, 8].map((s) =>
      layerOf(s, 2 + s, [2, height, width]),
    );
    const inputs = layers.reduce((sum, layer) => sum + layer.width, 0);
    const weight = tf.tensor2d(pseudoRandom(inputs * 5, 9), [inputs, 5]);
    const { ys, xs } = allPlaces(2, height, width);
    const sparse = tf.matMul(readSparse(layers, ys, xs), weight);
    const dense = projectDense(layers, weight, pixelGrid([height, width]));
    expect(dense.shape).toEqual([2, height, width, 5]);
    expect(
      relativeDifference(dense.dataSync(), sparse.dataSync()),
    ).toBeLessThan(1e-5);
  },
);

test("gradients reach the four cells around a place and no others", () => {
  const layer = layerOf(4, 1, [1, 16, 16]);
  const gradient = tf.grad((maps) =>
    readSparse(
      [{ ...layer, maps_NHWC: maps as tf.Tensor4D }],
      tf.tensor1d([7], "int32"),
      tf.tensor1d([4], "int32"),
    ),
  )(layer.maps_NHWC);
  const shares = gradient.dataSync();
  // y 7 is at 1.375 cells, x 4 at 0.625.
  const want = new Float32Array(16);
  want.set([0.625 * 0.375, 0.625 * 0.625], 4);
  want.set([0.375 * 0.375, 0.375 * 0.625], 8);
  expect(relativeDifference(shares, want)).toBeLessThan(1e-6);
});

test.each([
  ["at pixel 0, as those of ResNets", [0, 0, 0, 0]],
  ["beyond the middle of a stride, as those of AlexNet", [0, 6, 14, 46]],
  ["before the image", [-3, -1.5, 0.25, 0]],
])("the two read-outs agree too where cells begin %s", (_name, offsets) => {
  const layers = [1, 8, 16, 32].map((stride, i) => ({
    ...layerOf(stride, 3, [2, 37, 64]),
    offset: offsets[i] ?? 0,
  }));
  const weight = tf.tensor2d(pseudoRandom(12 * 5, 9), [12, 5]);
  const { ys, xs } = allPlaces(2, 37, 64);
  const sparse = tf.matMul(readSparse(layers, ys, xs), weight);
  const dense = projectDense(layers, weight, pixelGrid([37, 64]));
  expect(relativeDifference(dense.dataSync(), sparse.dataSync())).toBeLessThan(
    1e-5,
  );
});

test("maps that are smaller than the image, as without padding, are read to its edge", () => {
  const layer = { ...layerOf(4, 2, [1, 8, 8]), offset: 3.5 };
  const weight = tf.tensor2d(pseudoRandom(2 * 3, 9), [2, 3]);
  const { ys, xs } = allPlaces(1, 16, 16);
  const sparse = tf.matMul(readSparse([layer], ys, xs), weight);
  const dense = projectDense([layer], weight, pixelGrid([16, 16]));
  expect(dense.shape).toEqual([1, 16, 16, 3]);
  expect(relativeDifference(dense.dataSync(), sparse.dataSync())).toBeLessThan(
    1e-5,
  );
});
