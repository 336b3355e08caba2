/**
 * One convolution in the middle of an encoder, looked at while it is given its first weights: what it reads of images, and the
 * moments of what it puts out. The convolutions in front of it are folded.
 */
import type * as tf from "@tensorflow/tfjs-core";
import {
  createProgram,
  stepFunction,
  type Engine,
} from "../../engine/engine.ts";
import type { Moments } from "../../model/batch-norm.ts";
import { encode } from "../../model/encoder.ts";
import { encoderDeclarations } from "../../model/encoder-weights.ts";
import {
  convolutionsByLayer,
  throughLayer,
  type Network,
} from "../../model/network.ts";
import { pickWeights, type Weights } from "../../model/weights.ts";
import type { GrayImages, GrayParts } from "../jobs/gray-images.ts";
import { floatsOf } from "../trainer.ts";
import { createVariables } from "../variables.ts";
import type { Maps } from "./patches.ts";

export type UnitProbe = {
  /** What the convolution reads. */
  read(images: GrayImages): Promise<Maps>;
  /** Mean and variance of each channel that it puts out, without its bias, over all images and places. */
  measure(images: GrayParts): Promise<ChannelMoments>;
  /** Gives it other filters. */
  write(filters: Float32Array): Promise<void>;
  close(): Promise<void>;
};

export type ChannelMoments = {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
};

/** `network`: normalized throughout; `weights`: all of its own, with biases. */
export async function createUnitProbe(options: {
  readonly engine: Engine;
  readonly network: Network;
  readonly weights: Weights;
  readonly unit: string;
  /** What it will be shown. */
  readonly images: readonly GrayParts[];
}): Promise<UnitProbe> {
  const { engine, network, weights, unit, images } = options;
  const front = frontOf(network, unit);
  const variables = createVariables(
    pickWeights(weights, encoderDeclarations(front, "folded")),
  );
  const look = (images_NHWC: tf.Tensor4D) =>
    encode({
      network: front,
      parameters: variables.parameters,
      images_NHWC,
      batchNorm: (name) => (name === unit ? "batch" : "folded"),
    });
  const functionsOf = (shape: GrayImages["shape"]) =>
    [
      [
        `read-${shape[0]}`,
        stepFunction({ images: { shape } }, (tensors) => ({
          maps: look(tensors.images).read.get(unit) as tf.Tensor,
        })),
      ],
      [
        `measure-${shape[0]}`,
        stepFunction({ images: { shape } }, (tensors) => {
          const found = look(tensors.images).moments.get(unit) as Moments;
          return { mean: found.mean_C, variance: found.variance_C };
        }),
      ],
    ] as const;
  const program = await createProgram(engine, {
    functions: Object.fromEntries(shapesOf(images).flatMap(functionsOf)),
  });
  return {
    async read({ shape, values }) {
      const outputs = await program.run(`read-${shape[0]}`, { images: values });
      return {
        shape: outputs["maps"]?.shape ?? [],
        values: floatsOf(outputs, "maps"),
      };
    },
    async measure(parts) {
      const sums: PartMoments[] = [];
      for await (const { shape, values } of parts.parts()) {
        const outputs = await program.run(`measure-${shape[0]}`, {
          images: values,
        });
        sums.push({
          images: shape[0],
          mean: Float64Array.from(floatsOf(outputs, "mean")),
          variance: Float64Array.from(floatsOf(outputs, "variance")),
        });
      }
      return mergeMoments(sums);
    },
    write: (filters) => program.write(new Map([[`${unit}/weight`, filters]])),
    async close() {
      await program.close();
      variables.dispose();
    },
  };
}

/** The network as far as the layer that the convolution is in. */
function frontOf(network: Network, unit: string): Network {
  const layer = convolutionsByLayer(network).find(({ convolutions }) =>
    convolutions.includes(unit),
  );
  const front = layer && throughLayer(network, layer.layer);
  if (!front) throw new Error(`the network has no convolution '${unit}'`);
  return front;
}

/** The shape of every part, each once. */
function shapesOf(images: readonly GrayParts[]): GrayImages["shape"][] {
  const shapes = images.flatMap(({ shape: [count, ...rest], atOnce }) =>
    [Math.min(atOnce, count), count % atOnce]
      .filter((size) => size > 0)
      .map((size) => [size, ...rest] as const),
  );
  return [...new Map(shapes.map((shape) => [shape[0], shape])).values()];
}

type PartMoments = ChannelMoments & { readonly images: number };

/** Of all parts together: all images have as many places. */
function mergeMoments(parts: readonly PartMoments[]): ChannelMoments {
  const images = parts.reduce((sum, part) => sum + part.images, 0);
  const channels = parts[0]?.mean.length ?? 0;
  const average = (of: (part: PartMoments, channel: number) => number) =>
    Float64Array.from(
      { length: channels },
      (_, c) =>
        parts.reduce((sum, part) => sum + part.images * of(part, c), 0) /
        images,
    );
  const mean = average((part, c) => part.mean[c] as number);
  const variance = average(
    (part, c) =>
      (part.variance[c] as number) +
      ((part.mean[c] as number) - (mean[c] as number)) ** 2,
  );
  return { mean, variance };
}
