/**
 * How the features of an encoder shifted while it was trained on: the correlation of each channel of each layer before and after, over
 * all places of the same images (paper, Fig. 3). Batch norm is folded into both.
 *
 * Shape suffixes: N images, H height, W width, C channels.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  createProgram,
  stepFunction,
  type Engine,
} from "../../engine/engine.ts";
import { encode, type Activation } from "../../model/encoder.ts";
import { foldStatistics } from "../../model/encoder-weights.ts";
import type { Network } from "../../model/network.ts";
import type { Weights } from "../../model/weights.ts";
import {
  correlationOf,
  mergePairs,
  noPairs,
  type PairMoments,
} from "../scores/correlation.ts";
import { floatsOf } from "../trainer.ts";
import { createVariables } from "../variables.ts";
import type { GrayImages } from "./gray-images.ts";

export type FeatureShift = {
  /** Images of exactly one batch, of which the first so many count. */
  add(values: Float32Array, counted: number): Promise<void>;
  /** By layer: each channel's correlation; null: it never varied, before or after. */
  correlations(): ReadonlyMap<string, readonly (number | null)[]>;
  close(): Promise<void>;
};

const SIDES = ["before", "after"] as const;
type Side = (typeof SIDES)[number];
const MOMENTS = [
  "meanX",
  "meanY",
  "varianceX",
  "varianceY",
  "covariance",
] as const;

/** Compiles both encoders for one shape of batch. */
export async function createFeatureShift(options: {
  readonly engine: Engine;
  readonly network: Network;
  readonly weights: Readonly<Record<Side, Weights>>;
  /** Of the layers that a hypercolumn reads. */
  readonly layers: readonly string[];
  readonly shape: GrayImages["shape"];
}): Promise<FeatureShift> {
  const { engine, network, layers, shape } = options;
  // Variables are named: both encoders live in one program, under names of their own.
  const named = SIDES.flatMap((side) =>
    [...foldStatistics(network, options.weights[side])].map(
      ([name, weight]) => [`${side}/${name}`, weight] as const,
    ),
  );
  const variables = createVariables(new Map(named));
  const mapsOf = (side: Side, images_NHWC: tf.Tensor4D) =>
    encode({
      network,
      parameters: (name) => variables.parameters(`${side}/${name}`),
      images_NHWC,
      batchNorm: "folded",
    }).named;
  const program = await createProgram(engine, {
    functions: {
      measure: stepFunction(
        { images: { shape }, counts: { shape: [shape[0]] } },
        ({ images, counts }) => {
          const [before, after] = SIDES.map((side) => mapsOf(side, images));
          return Object.assign(
            {},
            ...layers.map((layer) =>
              momentsOf(layer, counts, {
                before: before?.get(layer) as Activation,
                after: after?.get(layer) as Activation,
              }),
            ),
          ) as Record<string, tf.Tensor1D>;
        },
      ),
    },
  });
  const sums = new Map<string, PairMoments[]>();
  return {
    async add(values, counted) {
      const counts = Float32Array.from({ length: shape[0] }, (_, i) =>
        i < counted ? 1 : 0,
      );
      const outputs = await program.run("measure", { images: values, counts });
      for (const layer of layers) {
        const read = (name: string) => floatsOf(outputs, `${layer}/${name}`);
        const [meanX, meanY, varianceX, varianceY, covariance] = MOMENTS.map(
          read,
        ) as [
          Float32Array,
          Float32Array,
          Float32Array,
          Float32Array,
          Float32Array,
        ];
        const before = sums.get(layer);
        sums.set(
          layer,
          Array.from(meanX, (mean, c) =>
            mergePairs(before?.[c] ?? noPairs, {
              // Places of an image count alike, so their number cancels.
              count: counted,
              meanX: mean,
              meanY: meanY[c] as number,
              varianceX: varianceX[c] as number,
              varianceY: varianceY[c] as number,
              covariance: covariance[c] as number,
            }),
          ),
        );
      }
    },
    correlations: () =>
      new Map(
        [...sums].map(([layer, channels]) => [
          layer,
          channels.map(correlationOf),
        ]),
      ),
    async close() {
      await program.close();
      variables.dispose();
    },
  };
}

/** Moments of the images that count, around their means, by channel. */
function momentsOf(
  layer: string,
  counts_N: tf.Tensor1D,
  maps: Readonly<Record<Side, Activation>>,
): Readonly<Record<string, tf.Tensor1D>> {
  const [n, h, w] = maps.before.maps_NHWC.shape;
  const places = tf.mul(tf.sum(counts_N), h * w);
  const share_NHWC = tf.reshape(tf.div(counts_N, places), [n, 1, 1, 1]);
  const meanOf = (values_NHWC: tf.Tensor) =>
    tf.sum<tf.Tensor1D>(tf.mul(values_NHWC, share_NHWC), [0, 1, 2]);
  const meanX = meanOf(maps.before.maps_NHWC);
  const meanY = meanOf(maps.after.maps_NHWC);
  const x = tf.sub(maps.before.maps_NHWC, meanX);
  const y = tf.sub(maps.after.maps_NHWC, meanY);
  const moments: Readonly<Record<(typeof MOMENTS)[number], tf.Tensor1D>> = {
    meanX,
    meanY,
    varianceX: meanOf(tf.square(x)),
    varianceY: meanOf(tf.square(y)),
    covariance: meanOf(tf.mul(x, y)),
  };
  return Object.fromEntries(
    Object.entries(moments).map(([name, value]) => [`${layer}/${name}`, value]),
  );
}
