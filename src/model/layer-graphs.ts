/**
 * What each kind of layer does to maps: the graph beside `layer-rules.ts`. Ordinary tfjs-core code, eager or traced.
 *
 * A With the batch's own statistics a bias changes nothing (batch norm takes it away again), so it is not computed there,
 *   and not trained. The moments handed out are then those of the convolution without its bias.
 * Shape suffixes: N images, H height, W width, C channels.
 */
import * as tf from "@tensorflow/tfjs-core";
import { biasAdd, conv2d, dropout } from "../engine/engine.ts";
import {
  normalizeBatch,
  normalizeMeasured,
  type Affine,
  type Moments,
} from "./batch-norm.ts";
import type { BatchNorm, Convolution, Layer, Padding } from "./network.ts";

/** Tensors of weights by name, whatever holds them. */
export type Parameters = (name: string) => tf.Tensor;

/** How batch norm is done (paper, section 2.5). */
export type BatchNormMode = "batch" | "measured" | "folded";

/** What layers need besides their maps. */
export type GraphContext = {
  readonly parameters: Parameters;
  /** By name of a convolution. */
  modeOf(name: string): BatchNormMode;
  /** int32 [2], seed and step; null: nothing is dropped. */
  readonly dropoutSeed: tf.Tensor1D | null;
  /** A number of its own for every layer that draws. */
  nextStream(): number;
  /** Told the batch's statistics of every convolution in mode `batch`. */
  measured(name: string, moments: Moments): void;
  /** Told what every convolution reads. */
  reads?(name: string, maps_NHWC: tf.Tensor4D): void;
};

type Graph<L> = (
  layer: L,
  maps_NHWC: tf.Tensor4D,
  context: GraphContext,
) => tf.Tensor4D;

const graphs: {
  readonly [K in Layer["kind"]]: Graph<Extract<Layer, { kind: K }>>;
} = {
  convolution(layer, maps_NHWC, context) {
    const maps = tf.relu(convolve(layer, maps_NHWC, context));
    const { dropoutSeed: seed } = context;
    if (layer.dropout === 0 || !seed) return maps;
    return dropout(maps, layer.dropout, { seed, stream: context.nextStream() });
  },

  "max-pool": ({ kernel, stride, padding }, maps_NHWC) =>
    tf.maxPool(
      padZeros(maps_NHWC, padding),
      kernel,
      stride,
      padding === "same" ? "same" : "valid",
    ),

  "local-response-norm": ({ radius, bias, alpha, beta }, maps_NHWC) =>
    tf.localResponseNormalization(maps_NHWC, radius, bias, alpha, beta),

  residual({ branch, projection }, maps_NHWC, context) {
    const beside = projection
      ? convolve(projection, maps_NHWC, context)
      : maps_NHWC;
    const maps = branch.reduce(
      (from, unit, i) =>
        convolve(unit, i === 0 ? from : tf.relu(from), context),
      maps_NHWC,
    );
    return tf.relu(tf.add(maps, beside));
  },
};

/** The maps behind a layer. */
export function computeLayer(
  layer: Layer,
  maps_NHWC: tf.Tensor4D,
  context: GraphContext,
): tf.Tensor4D {
  return (graphs[layer.kind] as Graph<Layer>)(layer, maps_NHWC, context);
}

/** The weights that a layer's graph reads and that gradients flow to. */
export function weightNamesOf(
  layer: Layer,
  modeOf: GraphContext["modeOf"],
): readonly string[] {
  return (unitsOf[layer.kind] as (layer: Layer) => readonly Convolution[])(
    layer,
  ).flatMap((unit) => [
    `${unit.name}/weight`,
    ...weightsBehind[modeOfUnit(unit, modeOf)](unit),
  ]);
}

const unitsOf: {
  readonly [K in Layer["kind"]]: (
    layer: Extract<Layer, { kind: K }>,
  ) => readonly Convolution[];
} = {
  convolution: (layer) => [layer],
  "max-pool": () => [],
  "local-response-norm": () => [],
  residual: ({ branch, projection }) =>
    projection ? [projection, ...branch] : branch,
};

/** Beside those of the convolution, by mode: what `normalizations` reads. */
const weightsBehind: Readonly<
  Record<BatchNormMode, (unit: Convolution) => readonly string[]>
> = {
  batch: affineNames,
  measured: (unit) => [
    ...(unit.bias ? [`${unit.name}/bias`] : []),
    ...affineNames(unit),
  ],
  folded: ({ name }) => [`${name}/bias`],
};

function affineNames({ name, batchNorm }: Convolution): readonly string[] {
  return batchNorm === "trainable" ? [`${name}/gamma`, `${name}/beta`] : [];
}

function modeOfUnit(
  { name, batchNorm }: Convolution,
  modeOf: GraphContext["modeOf"],
): BatchNormMode {
  return batchNorm === "none" ? "folded" : modeOf(name);
}

/** Maps are never negative in front of a pool (network.ts, A), so that a zero cannot win against a pixel. */
function padZeros(maps_NHWC: tf.Tensor4D, padding: Padding): tf.Tensor4D {
  if (padding === "same" || padding === 0) return maps_NHWC;
  const sides: [number, number] = [padding, padding];
  return tf.pad(maps_NHWC, [[0, 0], sides, sides, [0, 0]]);
}

/** Convolution and batch norm, without ReLU. */
function convolve(
  unit: Convolution,
  maps_NHWC: tf.Tensor4D,
  context: GraphContext,
): tf.Tensor4D {
  const mode = modeOfUnit(unit, context.modeOf);
  context.reads?.(unit.name, maps_NHWC);
  return normalizations[mode](unit, slide(unit, maps_NHWC, context), context);
}

/** What follows the convolution, by mode. */
const normalizations: Readonly<Record<BatchNormMode, Graph<Convolution>>> = {
  batch(unit, maps_NHWC, context) {
    const normalized = normalizeBatch(maps_NHWC, affineOf(unit, context));
    context.measured(unit.name, normalized.moments);
    return normalized.maps_NHWC;
  },
  measured(unit, maps_NHWC, context) {
    const { parameters } = context;
    const { name } = unit;
    return normalizeMeasured(
      unit.bias ? addBias(unit, maps_NHWC, context) : maps_NHWC,
      {
        mean_C: parameters(`${name}/mean`) as tf.Tensor1D,
        variance_C: parameters(`${name}/variance`) as tf.Tensor1D,
      },
      affineOf(unit, context),
    );
  },
  folded: addBias,
};

function addBias(
  { name }: Convolution,
  maps_NHWC: tf.Tensor4D,
  { parameters }: GraphContext,
): tf.Tensor4D {
  return biasAdd(maps_NHWC, parameters(`${name}/bias`) as tf.Tensor1D);
}

type HasAffine = (name: string, parameters: Parameters) => Affine | null;

const affines: Readonly<Record<BatchNorm, HasAffine>> = {
  none: () => null,
  "parameter-free": () => null,
  trainable: (name, parameters) => ({
    gamma: parameters(`${name}/gamma`) as tf.Tensor1D,
    beta: parameters(`${name}/beta`) as tf.Tensor1D,
  }),
};

function affineOf(
  { name, batchNorm }: Convolution,
  { parameters }: GraphContext,
): Affine | null {
  return affines[batchNorm](name, parameters);
}

/** A convolution in groups is one for each group, side by side: TensorFlow has no gradient of it in one piece. */
function slide(
  { name, stride, padding, groups }: Convolution,
  maps_NHWC: tf.Tensor4D,
  { parameters }: GraphContext,
): tf.Tensor4D {
  const weight = parameters(`${name}/weight`) as tf.Tensor4D;
  const options = { stride, pad: padding };
  if (groups === 1) return conv2d(maps_NHWC, weight, options);
  const maps = tf.split<tf.Tensor4D>(maps_NHWC, groups, 3);
  const weights = tf.split<tf.Tensor4D>(weight, groups, 3);
  return tf.concat(
    maps.map((some, group) =>
      conv2d(some, weights[group] as tf.Tensor4D, options),
    ),
    3,
  );
}
