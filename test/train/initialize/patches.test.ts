/** A filter times the patch of a cell is what the convolution computes there, whatever its padding, stride and groups. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { computeLayer } from "../../../src/model/layer-graphs.ts";
import { convolution } from "../../../src/model/networks/layers.ts";
import { createPatchCollector } from "../../../src/train/initialize/patches.ts";
import { pseudoRandom, testEngine } from "../../support/engine.ts";

beforeAll(() => {
  testEngine();
});

test.each([
  { name: "SAME", kernel: 3, stride: 1, padding: "same", groups: 1 },
  { name: "SAME, strided", kernel: 5, stride: 2, padding: "same", groups: 1 },
  { name: "no padding", kernel: 3, stride: 2, padding: 0, groups: 1 },
  { name: "padding on all sides", kernel: 3, stride: 2, padding: 1, groups: 1 },
  { name: "groups", kernel: 3, stride: 1, padding: "same", groups: 2 },
] as const)("$name", ({ kernel: side, stride, padding, groups }) => {
  const window = { kernel: side, stride, padding, groups };
  const inputs = 4;
  const width = 6;
  const layer = convolution({ name: "c", width, batchNorm: "none", ...window });
  const unit = { ...layer, inputs };
  const shape = [2, 7, 6, inputs] as [number, number, number, number];
  const maps = tf.tensor4d(pseudoRandom(2 * 7 * 6 * inputs, 3), shape);
  const kernel = tf.tensor4d(
    pseudoRandom(window.kernel ** 2 * (inputs / window.groups) * width, 4, 0.1),
    [window.kernel, window.kernel, inputs / window.groups, width],
  );
  // Far from ReLU's bend.
  const bias = tf.mul<tf.Tensor1D>(tf.ones([width]), 100);
  const computed = computeLayer(layer, maps, {
    parameters: (of) => (of.endsWith("bias") ? bias : kernel),
    modeOf: () => "folded",
    dropoutSeed: null,
    nextStream: () => 0,
    measured: () => undefined,
  });
  const cells = computed.size / width;
  const collector = createPatchCollector(unit, {
    images: 2,
    patches: cells,
    seed: 9,
  });
  collector.add({ shape, values: maps.dataSync() as Float32Array });
  const perGroup = collector.groups().map(({ count, size, values }, group) => {
    expect(count).toBe(cells);
    const own = width / window.groups;
    const filters = tf.slice(
      tf.reshape(kernel, [size, width]),
      [0, group * own],
      [size, own],
    );
    return tf.matMul(tf.tensor2d(values, [count, size]), filters);
  });
  const responses = tf.concat(perGroup, 1).arraySync() as number[][];
  const want = tf.sub(tf.reshape(computed, [cells, width]), 100).arraySync();
  const sorted = (rows: number[][]) =>
    rows.map((row) => row.map((v) => v.toFixed(2)).join()).sort();
  expect(sorted(responses)).toEqual(sorted(want as number[][]));
});

test("places are few of each image, follow from the seed, and are never the same twice", () => {
  const unit = {
    ...convolution({ name: "c", kernel: 1, width: 2 }),
    inputs: 1,
  };
  const shape = [3, 4, 4, 1];
  const values = Float32Array.from({ length: 48 }, (_, i) => i);
  const collect = (seed: number) => {
    const collector = createPatchCollector(unit, {
      images: 3,
      patches: 10,
      seed,
    });
    collector.add({ shape, values });
    return [...(collector.groups()[0]?.values ?? [])];
  };
  const places = collect(1);
  expect(places).toHaveLength(10);
  expect(new Set(places).size).toBe(10);
  expect(places.map((place) => Math.floor(place / 16))).toEqual([
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2,
  ]);
  expect(collect(1)).toEqual(places);
  expect(collect(2)).not.toEqual(places);
});
