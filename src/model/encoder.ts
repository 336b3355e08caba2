/**
 * A declared network as graph code: images in, the map of every layer out. Ordinary tfjs-core code, eager or traced.
 *
 * A With the batch's own statistics a bias changes nothing (batch norm takes it away again), so it is not computed there,
 *   and not trained. `moments` are then those of the convolution without its bias; `train/jobs/statistics` adds it.
 * Shape suffixes: N images, H height, W width, C channels.
 */
import * as tf from "@tensorflow/tfjs-core";
import { biasAdd, conv2d } from "../engine/engine.ts";
import {
  normalizeBatch,
  normalizeMeasured,
  type Moments,
} from "./batch-norm.ts";
import { geometryOf, type LayerGeometry, type Network } from "./network.ts";

/** Tensors of weights by name, whatever holds them. */
export type Parameters = (name: string) => tf.Tensor;

/** How batch norm is done (paper, section 2.5). */
export type BatchNormMode = "batch" | "measured" | "folded";

/** The map of one layer after ReLU, and where its cells lie. */
export type Activation = LayerGeometry & { readonly maps_NHWC: tf.Tensor4D };

export type Encoded = {
  readonly layers: readonly Activation[];
  /** Per layer, in mode `batch` only. */
  readonly moments: readonly Moments[];
};

/** Runs the network on images [N, H, W, inputChannels]. */
export function encode(options: {
  readonly network: Network;
  readonly parameters: Parameters;
  readonly images_NHWC: tf.Tensor4D;
  readonly batchNorm: BatchNormMode;
}): Encoded {
  const { network, parameters, batchNorm } = options;
  const moments: Moments[] = [];
  let maps_NHWC = options.images_NHWC;
  const layers = geometryOf(network).map((geometry, index) => {
    const layer = network.layers[index] as Network["layers"][number];
    if (layer.pool > 1)
      maps_NHWC = tf.maxPool(maps_NHWC, layer.pool, layer.pool, "same");
    const weight = parameters(`${layer.name}/weight`) as tf.Tensor4D;
    maps_NHWC = conv2d(maps_NHWC, weight, {
      stride: layer.stride,
      pad: "same",
    });
    if (batchNorm === "batch") {
      const normalized = normalizeBatch(maps_NHWC);
      moments.push(normalized.moments);
      maps_NHWC = normalized.maps_NHWC;
    } else {
      const bias = parameters(`${layer.name}/bias`) as tf.Tensor1D;
      maps_NHWC = biasAdd(maps_NHWC, bias);
    }
    if (batchNorm === "measured")
      maps_NHWC = normalizeMeasured(maps_NHWC, {
        mean_C: parameters(`${layer.name}/mean`) as tf.Tensor1D,
        variance_C: parameters(`${layer.name}/variance`) as tf.Tensor1D,
      });
    maps_NHWC = tf.relu(maps_NHWC);
    return { ...geometry, maps_NHWC };
  });
  return { layers, moments };
}
