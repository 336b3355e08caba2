/** Scales of layers, by arithmetic and on a network: all learn at one rate, and the function stays. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { encode } from "../../../src/model/encoder.ts";
import { encoderDeclarations } from "../../../src/model/encoder-weights.ts";
import { networkOf } from "../../../src/model/networks.ts";
import {
  createWeights,
  weightOf,
  type Weights,
} from "../../../src/model/weights.ts";
import {
  modelOptionsOf,
  type ModelOptions,
} from "../../../src/spec/params/params-model.ts";
import {
  createLayerRates,
  equalizeRates,
  scalesOf,
} from "../../../src/train/initialize/between-layers.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../../support/engine.ts";

beforeAll(() => {
  testEngine();
});

const small = { width: 1 / 32, depth: 0.5 } as const;
const vgg = (batchNorm: "none" | "parameter-free" | "convolutions") =>
  networkOf({ ...modelOptionsOf("vgg16"), ...small, batchNorm });

describe("scales", () => {
  const ratios = (network: ReturnType<typeof vgg>) =>
    new Map(
      encoderDeclarations(network)
        .filter(({ name }) => name.endsWith("/weight"))
        .map(({ name }, i) => [name.replace("/weight", ""), (i + 1) ** 2]),
    );

  test("make all ratios the same, and of a chain without batch norm have the product 1", () => {
    const network = vgg("none");
    const before = ratios(network);
    const scales = scalesOf(network, before);
    const after = [...before].map(
      ([name, ratio]) => ratio / (scales.get(name) as number) ** 2,
    );
    for (const ratio of after) expect(ratio).toBeCloseTo(after[0] as number, 8);
    const product = [...scales.values()].reduce((a, b) => a * b, 1);
    expect(product).toBeCloseTo(1, 8);
  });

  test("are those of what stands above the last batch norm, where something does", () => {
    const network = vgg("convolutions");
    const before = ratios(network);
    const scales = scalesOf(network, before);
    const [fc6 = 0, fc7 = 0] = [scales.get("fc6"), scales.get("fc7")];
    expect(fc6 * fc7).toBeCloseTo(1, 8);
    const after = (name: string) =>
      (before.get(name) as number) / (scales.get(name) as number) ** 2;
    expect(after("conv1_1")).toBeCloseTo(after("fc7"), 8);
  });

  test("leave a layer alone that no gradient reaches", () => {
    const network = vgg("none");
    const scales = scalesOf(network, ratios(network).set("conv3_1", 0));
    expect(scales.get("conv3_1")).toBe(1);
  });
});

describe("a network", () => {
  const images = (side: number) => ({
    shape: [3, side, side, 1] as const,
    values: pseudoRandom(3 * side * side, 2, 0.25),
  });
  const equalize = async (options: ModelOptions, side = 32) => {
    const network = networkOf(options);
    const first = createWeights(encoderDeclarations(network), 4);
    // Far from alike, and biases that count.
    const weights = new Map(
      [...first].map(([name, { shape, values }], i) => [
        name,
        {
          shape,
          values: name.endsWith("/bias")
            ? pseudoRandom(values.length, i, 0.1)
            : values.map((v) => v * (1 + (i % 3))),
        },
      ]),
    );
    const given = {
      engine: testEngine(),
      network,
      images: images(side),
      seed: 1,
    };
    const equal = await equalizeRates({ ...given, weights });
    const rates = await createLayerRates({ ...given, weights: equal });
    const ratios = [...(await rates.ratios()).values()];
    await rates.close();
    return { network, weights, equal, ratios };
  };
  const topOf = (
    network: ReturnType<typeof networkOf>,
    weights: Weights,
    side = 32,
  ) => {
    const { shape, values } = images(side);
    const { layers } = encode({
      network,
      parameters: (name) => {
        const { shape: own, values: of } = weightOf(weights, name);
        return tf.tensor(of, [...own]);
      },
      images_NHWC: tf.tensor4d(values, [...shape]),
      batchNorm: "batch",
    });
    return layers.at(-1)?.maps_NHWC.dataSync() ?? [];
  };

  test.each([
    [
      "a chain without batch norm",
      { ...modelOptionsOf("vgg16"), ...small, batchNorm: "none" },
    ],
    ["a chain with batch norm", { ...modelOptionsOf("vgg16"), ...small }],
    [
      "groups of channels",
      {
        ...modelOptionsOf("alexnet"),
        width: 1 / 16,
        batchNorm: "none",
        lrn: false,
      },
    ],
    [
      "residual blocks",
      { ...modelOptionsOf("resnet50"), width: 1 / 16, depth: 0.25 },
    ],
  ] as const)(
    "%s: all ratios are alike, and the function is as it was",
    async (_, options) => {
      const { network, weights, equal, ratios } = await equalize(options, 64);
      for (const ratio of ratios) {
        expect(ratio / (ratios[0] as number)).toBeGreaterThan(0.97);
        expect(ratio / (ratios[0] as number)).toBeLessThan(1.03);
      }
      expect(
        relativeDifference(
          topOf(network, equal, 64),
          topOf(network, weights, 64),
        ),
      ).toBeLessThan(1e-3);
    },
  );

  test("with local response normalization comes near it in a few rounds", async () => {
    const options = {
      ...modelOptionsOf("alexnet"),
      width: 1 / 16,
      batchNorm: "none",
    } as const;
    const { ratios } = await equalize(options, 64);
    for (const ratio of ratios)
      expect(Math.abs(Math.log(ratio / (ratios[0] as number)))).toBeLessThan(
        0.05,
      );
  });
});
