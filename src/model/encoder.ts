/**
 * A declared network as graph code: images in, the maps of its layers out. Ordinary tfjs-core code, eager or traced. What each
 * kind of layer does is in `layer-graphs.ts`.
 *
 * Shape suffixes: N images, H height, W width, C channels.
 */
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../base/errors.ts";
import type { Moments } from "./batch-norm.ts";
import {
  computeLayer,
  type BatchNormMode,
  type GraphContext,
  type Parameters,
} from "./layer-graphs.ts";
import { firstWithoutCells } from "./layer-rules.ts";
import { recomputeLayer } from "./recompute-layer.ts";
import {
  INPUT,
  placesOf,
  type LayerGeometry,
  type Network,
} from "./network.ts";

export type { BatchNormMode, Parameters } from "./layer-graphs.ts";

/** The map of one layer after ReLU, and where its cells lie. */
export type Activation = LayerGeometry & { readonly maps_NHWC: tf.Tensor4D };

export type Encoded = {
  /** The hypercolumn's, in its order. */
  readonly layers: readonly Activation[];
  /** Every layer by name, the image among them. */
  readonly named: ReadonlyMap<string, Activation>;
  /** By name of a convolution, of those in mode `batch`. */
  readonly moments: ReadonlyMap<string, Moments>;
  /** What each convolution reads, by its name; not told where layers are recomputed. */
  readonly read: ReadonlyMap<string, tf.Tensor4D>;
};

/** The head's dropout draws from stream 0. */
const FIRST_STREAM = 1;

/**
 * Runs the network on images [N, H, W, inputChannels]; gray ones [N, H, W, 1] are given to every channel of a network for
 * colour.
 */
export function encode(options: {
  readonly network: Network;
  readonly parameters: Parameters;
  readonly images_NHWC: tf.Tensor4D;
  /** Of all convolutions, or by a convolution's name. */
  readonly batchNorm: BatchNormMode | ((name: string) => BatchNormMode);
  /** int32 [2], seed and step; left out: no layer drops anything, as outside of training. */
  readonly dropoutSeed?: tf.Tensor1D | undefined;
  /** Keep only the layers' ends for the backward pass: less memory, a second forward pass. */
  readonly recompute?: boolean | undefined;
}): Encoded {
  const { network, parameters, batchNorm, dropoutSeed = null } = options;
  const moments = new Map<string, Moments>();
  const read = new Map<string, tf.Tensor4D>();
  let stream = FIRST_STREAM;
  const context: GraphContext = {
    parameters,
    modeOf: typeof batchNorm === "string" ? () => batchNorm : batchNorm,
    dropoutSeed,
    nextStream: () => stream++,
    measured: (name, of) => void moments.set(name, of),
    ...(options.recompute === true
      ? {}
      : { reads: (name, of) => void read.set(name, of) }),
  };
  const images_NHWC = toChannels(options.images_NHWC, network.inputChannels);
  checkSize(network, images_NHWC);
  let maps_NHWC = images_NHWC;
  const maps = new Map([[INPUT, images_NHWC]]);
  for (const layer of network.layers) {
    const flowsBack = maps_NHWC !== images_NHWC;
    const compute = options.recompute === true ? recomputeLayer : computeLayer;
    maps_NHWC = compute(layer, maps_NHWC, { ...context, flowsBack });
    maps.set(layer.name, maps_NHWC);
  }
  const named = placed(network, maps);
  return {
    layers: network.hypercolumn.map((name) => named.get(name) as Activation),
    named,
    moments,
    read,
  };
}

/** @throws UserError `model.small-images` where a layer without padding would have no cell. */
function checkSize({ layers }: Network, images_NHWC: tf.Tensor4D): void {
  const [, height, width] = images_NHWC.shape;
  const side = Math.min(height, width);
  const found = firstWithoutCells(layers, side);
  if (!found) return;
  throw new UserError({
    code: "model.small-images",
    message: `images of ${side} pixels leave a map of ${found.before} cells in front of '${found.name}', which needs more`,
    hint: "take larger images, or pad throughout: mode: convolutional, which `convert` gives to weights",
  });
}

function placed(
  network: Network,
  maps: ReadonlyMap<string, tf.Tensor4D>,
): ReadonlyMap<string, Activation> {
  return new Map(
    [...placesOf(network)].map(([name, place]) => [
      name,
      { ...place, maps_NHWC: maps.get(name) as tf.Tensor4D },
    ]),
  );
}

function toChannels(images_NHWC: tf.Tensor4D, channels: number): tf.Tensor4D {
  const given = images_NHWC.shape[3];
  if (given === channels) return images_NHWC;
  if (given !== 1)
    throw new Error(
      `the network reads ${channels} channels, the images have ${given}`,
    );
  return tf.tile(images_NHWC, [1, 1, 1, channels]);
}
