/**
 * The training steps that `networks.ts` measures: networks of the paper under their objectives, with made-up batches. Declarations,
 * graphs and losses are the product's own; `networks.py` reads the same declarations as JSON.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Inputs, TypedArray } from "../src/engine/engine.ts";
import { encode, type Parameters } from "../src/model/encoder.ts";
import { movableDeclarations } from "../src/model/encoder-weights.ts";
import { geometryOf, type Network } from "../src/model/network.ts";
import { networkOf } from "../src/model/networks.ts";
import type { Losses, StepTensors } from "../src/model/objective.ts";
import { objectives, type ObjectiveSettings } from "../src/model/objectives.ts";
import { createWeights, type Weights } from "../src/model/weights.ts";
import type { ModelChoice } from "../src/spec/params/params-model.ts";

type Case = {
  readonly model: ModelChoice;
  readonly objective: keyof typeof settings;
  readonly batch: number;
  readonly side: number;
  /** Only the ends of layers are kept for the backward pass. */
  readonly recompute?: boolean;
};

const settings = {
  classify: {
    kind: "classify",
    hypercolumn: false,
    dropout: 0,
    classes: Array.from({ length: 1000 }, (_, k) => `class ${k}`),
  },
  colorize: {
    kind: "colorize",
    target: "hue-chroma",
    hypercolumn: true,
    bins: 32,
    window: 7,
    locations: 128,
    border: 32,
    hidden: 1024,
    dropout: 0,
    hueWeight: 5,
    lightnessWeight: true,
  },
} as const satisfies Partial<ObjectiveSettings>;

const cases = {
  alexnet: {
    model: {
      network: "alexnet",
      input: "rgb",
      width: 1,
      depth: 1,
      batchNorm: "parameter-free",
      mode: "classification",
      lrn: false,
    },
    objective: "classify",
    batch: 16,
    side: 227,
  },
  vgg16: { model: "vgg16", objective: "colorize", batch: 2, side: 224 },
  resnet50: { model: "resnet50", objective: "classify", batch: 8, side: 128 },
  // What has to fit into a machine of 24 GB.
  "vgg16-352": {
    model: "vgg16",
    objective: "colorize",
    batch: 8,
    side: 352,
    recompute: true,
  },
  "resnet152-224": {
    model: "resnet152",
    objective: "classify",
    batch: 8,
    side: 224,
    recompute: true,
  },
} as const satisfies Readonly<Record<string, Case>>;

export type CaseName = keyof typeof cases;
export const isCaseName = (name: string): name is CaseName =>
  Object.hasOwn(cases, name);

export type NetworkCase = Omit<Case, "model" | "objective"> & {
  readonly network: Network;
  readonly settings: ObjectiveSettings[keyof ObjectiveSettings];
  readonly inputs: Inputs;
  /** Their first values, anew: hundreds of megabytes. */
  createWeights(): Weights;
  /** Made-up batch number `k`, by input. */
  batchOf(k: number): Readonly<Record<string, TypedArray>>;
  loss(tensors: StepTensors, parameters: Parameters, seed: tf.Tensor1D): Losses;
};

export function openCase(name: CaseName): NetworkCase {
  const { model, objective: kind, batch, side, recompute }: Case = cases[name];
  const network = networkOf(model);
  const objective = objectives[kind] as (typeof objectives)["colorize"];
  const own = settings[kind] as ObjectiveSettings["colorize"];
  const declarations = [
    ...movableDeclarations(network, "normalized"),
    ...objective.declarations(own, geometryOf(network)),
  ];
  const inputs: Inputs = {
    images: { shape: [batch, side, side, network.inputChannels] },
    ...objective.inputs(own, batch),
  };
  return {
    network,
    settings: own,
    batch,
    side,
    inputs,
    createWeights: () => createWeights(declarations, 1),
    batchOf: (k) =>
      Object.fromEntries(
        Object.entries(inputs).map(([input, { shape }], position) => [
          input,
          valuesOf(input, shape, { side, seed: 100 * (k + 1) + position }),
        ]),
      ),
    loss: (tensors, parameters, seed) =>
      objective.loss({
        settings: own,
        parameters,
        tensors,
        seed,
        layers: encode({
          network,
          parameters,
          images_NHWC: tensors["images"] as tf.Tensor4D,
          batchNorm: "batch",
          recompute,
        }).layers,
      }),
  };
}

type Stream = { readonly side: number; readonly seed: number };
type Fill = (shape: readonly number[], stream: Stream) => TypedArray;

const uniformBelow: (limit: (stream: Stream) => number) => Fill =
  (limit) => (shape, stream) =>
    Int32Array.from(pseudoUniform(shape, stream), (u) =>
      Math.floor(u * limit(stream)),
    );

/** Peaked histograms: rows that sum to 1. */
const histograms: Fill = (shape, stream) => {
  const bins = shape[1] ?? 1;
  const values = pseudoUniform(shape, stream).map((u) => u ** 6);
  for (let row = 0; row < values.length; row += bins) {
    const some = values.subarray(row, row + bins);
    const sum = some.reduce((a, b) => a + b, 0);
    some.forEach((v, k) => (some[k] = v / sum));
  }
  return values;
};

/** By input; weights of samples are the rest. */
const fills: Readonly<Record<string, Fill>> = {
  images: (shape, stream) => pseudoUniform(shape, stream).map((u) => u - 0.5),
  labels: uniformBelow(() => settings.classify.classes.length),
  ys: uniformBelow(({ side }) => side),
  xs: uniformBelow(({ side }) => side),
  hue: histograms,
  chroma: histograms,
};

function valuesOf(
  input: string,
  shape: readonly number[],
  stream: Stream,
): TypedArray {
  return (fills[input] ?? pseudoUniform)(shape, stream);
}

function pseudoUniform(
  shape: readonly number[],
  { seed }: Stream,
): Float32Array {
  const length = shape.reduce((size, d) => size * d, 1);
  return Float32Array.from({ length }, (_, k) => {
    const v = Math.sin(k * 12.9898 + seed * 78.233) * 43758.5453;
    return v - Math.floor(v);
  });
}
