import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import {
  createProgram,
  stepFunction,
  type TensorValue,
} from "../../src/engine/engine.ts";
import type { Moments } from "../../src/model/batch-norm.ts";
import { encode, type BatchNormMode } from "../../src/model/encoder.ts";
import {
  encoderDeclarations,
  foldStatistics,
  movableDeclarations,
  normalizedUnits,
  statisticsDeclarations,
} from "../../src/model/encoder-weights.ts";
import type { Network } from "../../src/model/network.ts";
import { networkOf } from "../../src/model/networks.ts";
import { withFieldOfView } from "../../src/model/networks/field-of-view.ts";
import { readSparse } from "../../src/model/hypercolumn.ts";
import {
  createWeights,
  pickWeights,
  weightOf,
  type Weights,
} from "../../src/model/weights.ts";
import { createVariables } from "../../src/train/variables.ts";
import { modelOptionsOf } from "../../src/spec/params/params-model.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../support/engine.ts";

beforeAll(() => {
  testEngine();
});

const small = { width: 1 / 16, depth: 0.5 } as const;
const networks: readonly (readonly [string, Network])[] = [
  ["alexnet", networkOf({ ...modelOptionsOf("alexnet"), ...small })],
  ["vgg16", networkOf({ ...modelOptionsOf("vgg16"), ...small })],
  ["resnet50", networkOf({ ...modelOptionsOf("resnet50"), ...small })],
].map(([name, network]) => [
  name as string,
  withFieldOfView(network as Network, { blocks: 2, width: 8 }),
]);

const imagesOf = (count: number, seed: number, channels = 1) =>
  tf.tensor4d(pseudoRandom(count * 64 * 64 * channels, seed, 0.25), [
    count,
    64,
    64,
    channels,
  ]);

const run = (
  network: Network,
  weights: Weights,
  options: {
    readonly images_NHWC: tf.Tensor4D;
    readonly batchNorm: BatchNormMode;
    readonly dropoutSeed?: tf.Tensor1D;
  },
) =>
  encode({
    ...options,
    network,
    parameters: (name) => {
      const { shape, values } = weightOf(weights, name);
      return tf.tensor(values, [...shape]);
    },
  });

/** First weights with biases, scales and shifts that are not 0 and 1, so that a wrong sign or a missing one shows. */
function scattered(network: Network): Weights {
  const declarations = encoderDeclarations(network);
  return new Map(
    [...createWeights(declarations, 3)].map(([name, { shape, values }], i) => {
      const noise = pseudoRandom(values.length, i, 0.2);
      const isVector = shape.length === 1;
      return [
        name,
        {
          shape,
          values: isVector ? values.map((v, k) => v + (noise[k] ?? 0)) : values,
        },
      ];
    }),
  );
}

/** With the statistics of these images; the mean is that of the convolution with its bias. */
function measured(
  network: Network,
  weights: Weights,
  images_NHWC: tf.Tensor4D,
): Weights {
  const { moments } = run(network, weights, {
    images_NHWC,
    batchNorm: "batch",
  });
  const statistics = normalizedUnits(network).flatMap(({ name, width }) => {
    const own = moments.get(name) as Moments;
    const bias = weights.get(`${name}/bias`)?.values;
    const mean = (own.mean_C.dataSync() as Float32Array).map(
      (value, c) => value + (bias?.[c] ?? 0),
    );
    const variance = own.variance_C.dataSync() as Float32Array;
    return [
      [`${name}/mean`, { shape: [width], values: mean }],
      [`${name}/variance`, { shape: [width], values: variance }],
    ] as const;
  });
  return new Map([...weights, ...statistics]);
}

test.each(networks)(
  "%s: each layer of the hypercolumn has the side and width that the declaration says",
  (_name, network) => {
    const { layers } = run(network, scattered(network), {
      images_NHWC: imagesOf(2, 1),
      batchNorm: "batch",
    });
    for (const { maps_NHWC, width, stride, name } of layers) {
      const side = Math.max(1, 64 / stride);
      expect([name, ...maps_NHWC.shape]).toEqual([name, 2, side, side, width]);
    }
  },
);

test.each(networks)(
  "%s: batch statistics, measured statistics of the same batch, and folded weights give the same maps",
  (_name, network) => {
    const images_NHWC = imagesOf(4, 2);
    const weights = measured(network, scattered(network), images_NHWC);
    const folded = foldStatistics(network, weights);
    expect([...folded.keys()].sort()).toEqual(
      encoderDeclarations(network, "folded")
        .map(({ name }) => name)
        .sort(),
    );
    const want = run(network, weights, { images_NHWC, batchNorm: "batch" });
    const others = [
      run(network, weights, { images_NHWC, batchNorm: "measured" }),
      run(network, folded, { images_NHWC, batchNorm: "folded" }),
    ];
    for (const { layers } of others)
      layers.forEach(({ maps_NHWC }, i) => {
        expect(
          relativeDifference(
            maps_NHWC.dataSync(),
            want.layers[i]?.maps_NHWC.dataSync() ?? [],
          ),
        ).toBeLessThan(1e-4);
      });
  },
);

test.each(networks)(
  "%s: a compiled step gives what the eager one gives, to rounding: the loss and the gradient of every weight that moves",
  async (_name, network) => {
    const movable = movableDeclarations(network, "normalized");
    const variables = createVariables(pickWeights(scattered(network), movable));
    const places = [3, 60, 17, 31, 44, 9];
    const step = (images_NHWC: tf.Tensor4D, dropoutSeed: tf.Tensor1D) => {
      const loss = () => {
        const { layers } = encode({
          network,
          parameters: variables.parameters,
          images_NHWC,
          batchNorm: "batch",
          dropoutSeed,
        });
        const at = tf.tensor1d(places, "int32");
        return tf.mean<tf.Scalar>(tf.square(readSparse(layers, at, at)));
      };
      const list = [...variables.byName.values()];
      const { value, grads } = tf.variableGrads(loss, list);
      return { loss: value, ...grads };
    };
    const images = imagesOf(6, 5);
    const seed = Int32Array.of(7, 1);
    const want = Object.entries(step(images, tf.tensor1d(seed, "int32"))).map(
      ([name, tensor]) => [name, tensor.dataSync()] as const,
    );
    const program = await createProgram(testEngine(), {
      functions: {
        step: stepFunction(
          {
            images: { shape: [6, 64, 64, 1] },
            seed: { shape: [2], dtype: "int32" },
          },
          (tensors) => step(tensors.images, tensors.seed),
        ),
      },
    });
    const got = await program.run("step", {
      images: images.dataSync() as Float32Array,
      seed,
    });
    expect(want).toHaveLength(movable.length + 1);
    await program.close();
    variables.dispose();
    const outputs: Readonly<Record<string, TensorValue>> = got;
    // TensorFlow may add the gradients of a layer that is read twice in another order.
    for (const [name, values] of want)
      expect(
        relativeDifference(outputs[name]?.data ?? [], values),
        name,
      ).toBeLessThan(1e-4);
  },
);

test("two groups of channels do not see each other", () => {
  const network = networkOf({ ...modelOptionsOf("alexnet"), ...small });
  const weights = new Map(scattered(network));
  const { shape, values } = weightOf(weights, "conv2/weight");
  const out = shape[3] as number;
  // The second group's filters are all that changes.
  weights.set("conv2/weight", {
    shape,
    values: values.map((v, i) => (i % out < out / 2 ? v : 2 * v)),
  });
  const mapsOf = (of: Weights) =>
    run(network, of, { images_NHWC: imagesOf(1, 1), batchNorm: "batch" })
      .named.get("conv2")
      ?.maps_NHWC.arraySync()[0]?.[0]?.[0] ?? [];
  const [before, after] = [mapsOf(scattered(network)), mapsOf(weights)];
  expect(after.slice(0, out / 2)).toEqual(before.slice(0, out / 2));
  // Batch norm takes the factor away: scale does not matter to it.
  expect(relativeDifference(after, before)).toBeLessThan(1e-4);
});

test("dropout falls on fc6 and fc7 alone, halves them, and draws anew for every layer and step", () => {
  const network = networkOf({ ...modelOptionsOf("vgg16"), ...small });
  const mapsAt = (step: number | null) => {
    const { named } = run(network, scattered(network), {
      images_NHWC: imagesOf(2, 4),
      batchNorm: "batch",
      ...(step === null
        ? {}
        : { dropoutSeed: tf.tensor1d([1, step], "int32") }),
    });
    return (name: string) =>
      Array.from(named.get(name)?.maps_NHWC.dataSync() ?? []);
  };
  const [plain, first, again, second] = [null, 1, 1, 2].map(mapsAt);
  expect(first?.("conv5_1")).toEqual(plain?.("conv5_1"));
  expect(first?.("fc6")).toEqual(again?.("fc6"));
  expect(first?.("fc6")).not.toEqual(second?.("fc6"));
  const kept = first?.("fc6") ?? [];
  plain?.("fc6").forEach((value, i) => {
    expect([0, 2 * value]).toContainEqual(kept[i]);
  });
  const alive = plain?.("fc6").filter((value) => value > 0).length ?? 0;
  const left = kept.filter((value) => value > 0).length;
  expect(left / alive).toBeGreaterThan(0.4);
  expect(left / alive).toBeLessThan(0.6);
});

test("a network for colour reads a gray image as one with three equal channels", () => {
  const network = networkOf({
    ...modelOptionsOf("resnet50"),
    ...small,
    input: "rgb",
  });
  const weights = scattered(network);
  const gray = imagesOf(2, 6);
  const lastOf = (images_NHWC: tf.Tensor4D) =>
    run(network, weights, { images_NHWC, batchNorm: "batch" })
      .layers.at(-1)
      ?.maps_NHWC.dataSync();
  expect(lastOf(gray)).toEqual(lastOf(tf.concat([gray, gray, gray], 3)));
  expect(() => lastOf(imagesOf(2, 6, 2))).toThrow("the images have 2");
});

test("a network that has seen nothing normalizes by mean 0 and variance 1", () => {
  const network = networkOf({ ...modelOptionsOf("vgg16"), ...small });
  const statistics = createWeights(statisticsDeclarations(network), 0);
  expect(statistics.size).toBe(2 * normalizedUnits(network).length);
  for (const [name, { values }] of statistics)
    expect(new Set(values)).toEqual(new Set([name.endsWith("/mean") ? 0 : 1]));
});
