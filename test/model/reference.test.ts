/** Our networks and operations beside PyTorch's (scripts/reference/networks.py). */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { batchNormTrain, MomentumOptimizer } from "../../src/engine/engine.ts";
import type { Moments } from "../../src/model/batch-norm.ts";
import {
  encode,
  type Activation,
  type BatchNormMode,
} from "../../src/model/encoder.ts";
import {
  foldStatistics,
  movableDeclarations,
} from "../../src/model/encoder-weights.ts";
import { fromForeign, toForeign } from "../../src/model/foreign-weights.ts";
import { readSparse, projectDense } from "../../src/model/hypercolumn.ts";
import { computeLayer } from "../../src/model/layer-graphs.ts";
import { classificationLoss } from "../../src/model/losses.ts";
import { geometryOf, type Network } from "../../src/model/network.ts";
import { networkOf } from "../../src/model/networks.ts";
import { convolution } from "../../src/model/networks/layers.ts";
import { pixelGrid } from "../../src/model/resample.ts";
import { updateRunningAverages } from "../../src/model/running-averages.ts";
import { torchvisionNames } from "../../src/model/torchvision.ts";
import { weightOf, type Weights } from "../../src/model/weights.ts";
import {
  modelOptionsOf,
  type ModelOptions,
} from "../../src/spec/params/params-model.ts";
import { createVariables } from "../../src/train/variables.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../support/engine.ts";
import {
  drawImages,
  drawState,
  kept,
  readReference,
  type NetworksReference,
} from "../support/reference.ts";

beforeAll(() => {
  testEngine();
});

const reference = readReference("networks") as NetworksReference;

const chain = { input: "rgb", width: 1 / 32 } as const;
const alexnet = {
  ...modelOptionsOf("alexnet"),
  ...chain,
  batchNorm: "none",
  lrn: false,
} as const;
const residual = {
  ...modelOptionsOf("resnet50"),
  input: "rgb",
  width: 1 / 16,
  depth: 0.25,
} as const;
const choices: Readonly<Record<string, ModelOptions>> = {
  vgg16: {
    ...modelOptionsOf("vgg16"),
    ...chain,
    depth: 0.5,
    batchNorm: "none",
  },
  vgg16_bn: {
    ...modelOptionsOf("vgg16"),
    ...chain,
    depth: 0.5,
    batchNorm: "convolutions",
  },
  alexnet: { ...alexnet, filters: "torchvision" },
  "alexnet-caffe": alexnet,
  resnet50: { ...residual, stride: "3x3" },
  "resnet50-caffe": { ...residual, stride: "1x1" },
  resnet101: { ...residual, network: "resnet101", stride: "3x3" },
};

function imported(name: string) {
  const want = reference.networks[name];
  const options = choices[name] as ModelOptions;
  const network = networkOf(options);
  const names = torchvisionNames(options.network, network, { isFolded: false });
  if (!names || !want) throw new Error(`there is no reference of '${name}'`);
  const theirs = drawState(want.shapes);
  const above = geometryOf(network).at(-1)?.width ?? 0;
  const ours = fromForeign(network, names, theirs, above);
  if ("problem" in ours) throw new Error(ours.problem);
  return { network, names, theirs, ours, want };
}

const tensorsOf = (weights: Weights) => (name: string) => {
  const { shape, values } = weightOf(weights, name);
  return tf.tensor(values, [...shape]);
};

/** The layers that the reference reads: every convolution of a chain, the first one and every block of a residual network. */
function readLayers(
  network: Network,
  named: ReadonlyMap<string, Activation>,
): readonly tf.Tensor[] {
  return network.layers
    .filter(({ kind }) => kind === "convolution" || kind === "residual")
    .map(({ name }) => named.get(name)?.maps_NHWC as tf.Tensor);
}

describe.each(Object.keys(choices))("%s", (name) => {
  const { network, names, theirs, ours, want } = imported(name);
  const maps = (weights: Weights, batchNorm: BatchNormMode) =>
    readLayers(
      network,
      encode({
        network,
        parameters: tensorsOf(weights),
        images_NHWC: drawImages(7),
        batchNorm,
      }).named,
    );

  test.each(["measured", "batch"] as const)(
    "gives PyTorch's features in every layer, with %s statistics",
    (mode) => {
      const layers = maps(ours, mode);
      expect(layers).toHaveLength(want[mode].length);
      layers.forEach((layer, i) => {
        expect(
          relativeDifference(kept(layer.dataSync()), want[mode][i] ?? []),
          `layer ${i}`,
        ).toBeLessThan(1e-4);
      });
    },
  );

  test("gives PyTorch's features when batch norm is folded", () => {
    maps(foldStatistics(network, ours), "folded").forEach((layer, i) => {
      expect(
        relativeDifference(kept(layer.dataSync()), want.measured[i] ?? []),
        `layer ${i}`,
      ).toBeLessThan(1e-4);
    });
  });

  test("goes back into torchvision's names with the bits that it had", () => {
    const back = toForeign(names, ours);
    expect([...back.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [tensor, { shape, values }] of back)
      expect([tensor, shape, values]).toEqual([
        tensor,
        theirs.get(tensor)?.shape,
        theirs.get(tensor)?.values,
      ]);
  });

  test("has PyTorch's losses and weights after some steps of SGD", () => {
    const movable = movableDeclarations(network, "normalized");
    const variables = createVariables(ours);
    const optimizer = new MomentumOptimizer({
      variables: [
        ...movable,
        { name: "classifier/weight", shape: [0, 0] },
        { name: "classifier/bias", shape: [0] },
      ].map(({ name: weight, shape }) => ({
        variable: variables.byName.get(weight) as tf.Variable,
        decayFactor: shape.length > 1 ? 1 : 0,
      })),
      momentum: 0.9,
      weightDecay: 5e-4,
    });
    const labels = tf.tensor1d([0, 1, 2, 3, 4, 0], "int32");
    const losses = want.trained.losses.map((_, step) =>
      optimizer
        .minimize(() => {
          const { layers } = encode({
            network,
            parameters: variables.parameters,
            images_NHWC: drawImages(100 + step),
            batchNorm: "batch",
          });
          const last = layers.at(-1)?.maps_NHWC as tf.Tensor4D;
          const logits = tf.add(
            tf.matMul(
              tf.mean<tf.Tensor2D>(last, [1, 2]),
              variables.parameters("classifier/weight") as tf.Tensor2D,
            ),
            variables.parameters("classifier/bias"),
          );
          return classificationLoss(logits as tf.Tensor2D, labels);
        }, tf.scalar(want.trained.rate))
        .dataSync(),
    );
    const now = new Map(
      [...variables.byName].map(([weight, variable]) => [
        weight,
        { shape: variable.shape, values: variable.dataSync() as Float32Array },
      ]),
    );
    const back = toForeign(names, now);
    variables.dispose();
    optimizer.dispose();
    expect(
      relativeDifference(
        losses.map(([loss]) => loss ?? NaN) ?? [],
        want.trained.losses,
      ),
    ).toBeLessThan(1e-3);
    for (const [tensor, values] of Object.entries(want.trained.weights))
      expect(
        relativeDifference(kept(weightOf(back, tensor).values), values),
        tensor,
      ).toBeLessThan(1e-3);
  });
});

describe("an operation gives PyTorch's output and gradients", () => {
  const x = () => drawImages(11, { channels: 8, batch: 2, side: 9 });
  const vector = (seed: number, centre: number) =>
    tf.tensor1d(pseudoRandom(8, seed, 0.2).map((v) => centre + v));
  const context = (weight: tf.Tensor) => ({
    parameters: () => weight,
    modeOf: () => "batch" as const,
    dropoutSeed: null,
    nextStream: () => 0,
    measured: () => undefined,
  });
  const lrn = (alpha: number) => (maps: tf.Tensor) =>
    computeLayer(
      {
        kind: "local-response-norm",
        name: "norm",
        radius: 2,
        alpha,
        beta: 0.75,
        bias: 1,
      },
      maps as tf.Tensor4D,
      context(maps),
    );
  /** The kernel in PyTorch's layout, as the reference draws it. */
  const kernel = () =>
    tf.tensor4d(pseudoRandom(6 * 4 * 9, 12, 0.3), [6, 4, 3, 3]);

  const cases: Readonly<
    Record<
      string,
      readonly [(...inputs: tf.Tensor[]) => tf.Tensor, () => tf.Tensor[]]
    >
  > = {
    lrn: [lrn(2e-5), () => [x()]],
    "lrn-strong": [lrn(0.5), () => [x()]],
    "batch-norm": [
      (maps, gamma, beta) =>
        batchNormTrain(maps as tf.Tensor4D, {
          gamma: gamma as tf.Tensor1D,
          beta: beta as tf.Tensor1D,
        }).y,
      () => [x(), vector(13, 1), vector(14, 0)],
    ],
    "batch-norm-free": [
      (maps) => batchNormTrain(maps as tf.Tensor4D).y,
      () => [x()],
    ],
  };

  test.each(Object.keys(cases))("%s", (name) => {
    const [compute, draw] = cases[name] as (typeof cases)[string];
    check(name, compute, draw());
  });

  test("grouped convolution, before batch norm and ReLU", () => {
    // A layer always ends in ReLU: the signs of the whole are seen through the folded form with a large bias.
    const layer = convolution({
      name: "c",
      kernel: 3,
      width: 6,
      groups: 2,
      batchNorm: "none",
    });
    const bias = tf.mul<tf.Tensor1D>(tf.ones([6]), 100);
    check(
      "grouped",
      (maps, weight) =>
        tf.sub(
          computeLayer(layer, maps as tf.Tensor4D, {
            ...context(maps),
            parameters: (of) =>
              of.endsWith("bias") ? bias : tf.transpose(weight, [2, 3, 1, 0]),
          }),
          100,
        ),
      [x(), kernel()],
      1e-4,
    );
  });

  function check(
    name: string,
    compute: (...inputs: tf.Tensor[]) => tf.Tensor,
    inputs: tf.Tensor[],
    tolerance = 1e-5,
  ): void {
    const want = reference.operations[name];
    const output = kept(compute(...inputs).dataSync());
    expect(relativeDifference(output, want?.output ?? [])).toBeLessThan(
      tolerance,
    );
    const gradients = tf.grads((...given) =>
      tf.sum(tf.pow(compute(...given), 3)),
    )(inputs);
    gradients.forEach((gradient, i) => {
      expect(
        relativeDifference(kept(gradient.dataSync()), want?.gradients[i] ?? []),
        `gradient ${i}`,
      ).toBeLessThan(1e-4);
    });
  }
});

test("running averages with a rising decay are those of the reference", () => {
  const { steps, ramp, decay, mean, variance } = reference.running;
  const variables = createVariables(
    new Map([
      ["c/mean", { shape: [4], values: new Float32Array(4) }],
      ["c/variance", { shape: [4], values: new Float32Array(4).fill(1) }],
    ]),
  );
  for (let step = 0; step < steps; step++) {
    const drawn = drawImages(50 + step, { channels: 4, batch: 3, side: 6 });
    const x = tf.add(tf.mul(drawn, 1 + step / 10), step / 20);
    const moments = tf.moments(x, [0, 1, 2]);
    const own: Moments = {
      mean_C: moments.mean as tf.Tensor1D,
      variance_C: moments.variance as tf.Tensor1D,
    };
    updateRunningAverages(
      { decay, ramp },
      {
        moments: new Map([["c", own]]),
        variable: (name) => variables.byName.get(name) as tf.Variable,
        step: tf.scalar(step, "int32"),
      },
    );
  }
  const valuesOf = (name: string) => variables.parameters(name).dataSync();
  expect(relativeDifference(valuesOf("c/mean"), mean)).toBeLessThan(1e-5);
  expect(relativeDifference(valuesOf("c/variance"), variance)).toBeLessThan(
    1e-5,
  );
  variables.dispose();
});

test.each(reference.hypercolumn)(
  "stride $stride, offset $offset: both read-outs interpolate as the reference does",
  ({ stride, offset, side, output }) => {
    const layer: Activation = {
      name: "layer",
      width: 3,
      stride,
      offset,
      receptiveField: 1,
      maps_NHWC: tf.tensor4d(pseudoRandom(2 * side * side * 3, stride + 20), [
        2,
        side,
        side,
        3,
      ]),
    };
    const pixels = Array.from({ length: 12 * 12 }, (_, i) => i);
    const places = (of: (pixel: number) => number) =>
      tf.tensor1d([...pixels, ...pixels].map(of), "int32");
    const sparse = readSparse(
      [layer],
      places((i) => Math.floor(i / 12)),
      places((i) => i % 12),
    );
    const dense = projectDense([layer], tf.eye(3), pixelGrid([12, 12]));
    for (const read of [sparse, dense])
      expect(relativeDifference(kept(read.dataSync()), output)).toBeLessThan(
        1e-5,
      );
  },
);
