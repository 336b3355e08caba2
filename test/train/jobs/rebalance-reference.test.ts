/** Re-balancing beside PyTorch's, which does it layer by layer (scripts/reference/rebalance.py). */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { rebalance } from "../../../src/model/convert.ts";
import { encode } from "../../../src/model/encoder.ts";
import { fromForeign, toForeign } from "../../../src/model/foreign-weights.ts";
import { geometryOf, unitsOf } from "../../../src/model/network.ts";
import { networkOf } from "../../../src/model/networks.ts";
import { torchvisionNames } from "../../../src/model/torchvision.ts";
import { weightOf, type Weights } from "../../../src/model/weights.ts";
import { modelOptionsOf } from "../../../src/spec/params/params-model.ts";
import { measureSecondMoments } from "../../../src/train/jobs/second-moments.ts";
import { relativeDifference, testEngine } from "../../support/engine.ts";
import {
  drawImages,
  drawState,
  kept,
  readReference,
  type NetworksReference,
} from "../../support/reference.ts";

const engine = testEngine();
const reference = readReference("rebalance") as {
  readonly moments: { readonly before: number[]; readonly after: number[] };
  readonly weights: Readonly<Record<string, number[]>>;
  readonly top: number[];
  readonly logits: {
    readonly before: number[];
    readonly after: number[];
    readonly scale: number;
  };
};
const { networks } = readReference("networks") as NetworksReference;

const network = networkOf({
  ...modelOptionsOf("vgg16"),
  input: "rgb",
  width: 1 / 32,
  depth: 0.5,
  batchNorm: "none",
});
const names = torchvisionNames("vgg16", network, { isFolded: false });
if (!names) throw new Error("torchvision has no VGG-16");
const above = geometryOf(network).at(-1)?.width ?? 0;
const theirs = drawState(networks["vgg16"]?.shapes ?? {});
const ours = fromForeign(network, names, theirs, above) as Weights;

/** In two parts of unlike size, as a stage reads them. */
const measure = async (weights: Weights) => {
  const images = drawImages(7);
  const [count, height, width] = images.shape;
  const values = images.dataSync() as Float32Array;
  const size = height * width * 3;
  const moments = await measureSecondMoments({
    engine,
    network,
    weights,
    images: {
      shape: [count, height, width, 3],
      atOnce: 4,
      async *parts() {
        for (const [from, to] of [
          [0, 4],
          [4, count],
        ] as const)
          yield {
            shape: [to - from, height, width, 3],
            values: values.slice(from * size, to * size),
          };
      },
    },
  });
  return unitsOf(network).map(({ name }) => moments.get(name) as number);
};

let balanced: Weights;
beforeAll(async () => {
  const moments = await measure(ours);
  expect(relativeDifference(moments, reference.moments.before)).toBeLessThan(
    1e-4,
  );
  balanced = rebalance(
    network,
    ours,
    new Map(
      unitsOf(network).map(({ name }, i) => [name, moments[i] as number]),
    ),
  );
});

describe("a network in its own scales", () => {
  test("has second moments of 1, as the reference's", async () => {
    for (const [i, moment] of (await measure(balanced)).entries()) {
      expect(moment).toBeCloseTo(1, 4);
      expect(reference.moments.after[i]).toBeCloseTo(1, 6);
    }
  });

  test("has the reference's weights and biases in every layer, the classifier's too", () => {
    const back = toForeign(names, balanced);
    expect([...back.keys()].toSorted()).toEqual(
      Object.keys(reference.weights).toSorted(),
    );
    for (const [name, { values }] of back)
      expect(
        relativeDifference(kept(values), reference.weights[name] ?? []),
        name,
      ).toBeLessThan(1e-4);
  });

  test("gives the reference's maps, and logits that are the old ones times one number", () => {
    const { layers } = encode({
      network,
      parameters: (name) => {
        const { shape, values } = weightOf(balanced, name);
        return tf.tensor(values, [...shape]);
      },
      images_NHWC: drawImages(7),
      batchNorm: "folded",
    });
    const maps = layers.at(-1)?.maps_NHWC as tf.Tensor4D;
    expect(
      relativeDifference(kept(maps.dataSync()), reference.top),
    ).toBeLessThan(1e-4);
    const { shape, values } = weightOf(balanced, "classifier/weight");
    const bias = weightOf(balanced, "classifier/bias").values;
    const logits = tf.add(
      tf.matMul(
        tf.mean<tf.Tensor2D>(maps, [1, 2]),
        tf.tensor2d(values, shape as [number, number]),
      ),
      tf.tensor1d(bias),
    );
    const { before, after, scale } = reference.logits;
    expect(relativeDifference(kept(logits.dataSync()), after)).toBeLessThan(
      1e-4,
    );
    expect(
      relativeDifference(
        kept(logits.dataSync()),
        before.map((value) => value * scale),
      ),
    ).toBeLessThan(1e-4);
  });
});
