/**
 * Batch-norm statistics of an encoder from unlabeled images, in place of running averages: every layer is normalized with the
 * statistics of exactly these images while the next one is measured.
 *
 * Images that fit are one part and one pass, which measures all layers. More of them take a pass for each layer, in parts:
 * what the parts say is merged, the layer is folded with it, and the next layer is measured behind it. Both ways agree to
 * rounding. Parts are read anew in each pass, so that no more than one is in memory.
 *
 * Networks of very many layers are measured in one pass all the same: each part is then normalized with its own statistics
 * on the way, which differ from those of all images by the chance of the sample alone.
 */
import type * as tf from "@tensorflow/tfjs-core";
import {
  createProgram,
  stepFunction,
  type Engine,
} from "../../engine/engine.ts";
import { encode, type Parameters } from "../../model/encoder.ts";
import {
  encoderDeclarations,
  foldUnit,
  normalizedUnits,
} from "../../model/encoder-weights.ts";
import type { Moments as ModelMoments } from "../../model/batch-norm.ts";
import type { Network } from "../../model/network.ts";
import {
  pickWeights,
  type WeightArray,
  type Weights,
} from "../../model/weights.ts";
import type { GrayImages, GrayParts } from "./gray-images.ts";
import { floatsOf } from "../trainer.ts";
import { createVariables } from "../variables.ts";

export type StatisticsOptions = {
  readonly engine: Engine;
  readonly network: Network;
  readonly weights: Weights;
  /** A part goes through the network at once. */
  readonly images: GrayParts;
};

/** The weights with statistics measured on these images, which replace those that they had; a network without batch norm has none. */
export async function measureStatistics(
  options: StatisticsOptions,
): Promise<Weights> {
  const { network, images } = options;
  if (normalizedUnits(network).length === 0) return options.weights;
  const sizes = partSizes(images);
  const passes = passesOf(network, sizes.length);
  const meter = await createMeter(options, passes, sizes);
  try {
    let { weights } = options;
    for (const pass of passes) {
      const outputs: PartMoments[] = [];
      for await (const part of images.parts())
        outputs.push(await meter.measure(pass, part));
      const statistics = pass.measured.flatMap((name) =>
        statisticsOf(name, weights, mergeMoments(outputs, name)),
      );
      weights = new Map([...weights, ...statistics]);
      if (pass !== passes.at(-1)) await meter.fold(pass, weights);
    }
    return weights;
  } finally {
    await meter.close();
  }
}

/** Names of the convolutions that one pass measures, and of those in front of them, which are folded by then. */
type Pass = {
  readonly front: ReadonlySet<string>;
  readonly measured: readonly string[];
};

/** More passes over the images than this take longer than their exactness is worth. */
const MOST_PASSES = 20;

function passesOf(network: Network, parts: number): readonly Pass[] {
  const names = normalizedUnits(network).map(({ name }) => name);
  return parts === 1 || names.length > MOST_PASSES
    ? [{ front: new Set(), measured: names }]
    : names.map((name, index) => ({
        front: new Set(names.slice(0, index)),
        measured: [name],
      }));
}

/** Images in each part. */
function partSizes({ shape: [images], atOnce }: GrayParts): readonly number[] {
  return Array.from({ length: Math.ceil(images / atOnce) }, (_, part) =>
    Math.min(atOnce, images - part * atOnce),
  );
}

/** What one part says: `<layer>/mean` and `<layer>/variance` [C] of the measured layers. */
type PartMoments = {
  readonly images: number;
  read(name: string): Float32Array;
};

type Meter = {
  measure(pass: Pass, part: GrayImages): Promise<PartMoments>;
  /** Folds the layers that the pass measured, for the passes behind it. */
  fold(pass: Pass, weights: Weights): Promise<void>;
  close(): Promise<void>;
};

/** Compiles every pass, for every size that a part has. */
async function createMeter(
  { engine, network, weights, images: { shape } }: StatisticsOptions,
  passes: readonly Pass[],
  sizes: readonly number[],
): Promise<Meter> {
  const variables = createVariables(foldable(network, weights));
  const [, height, width, channels] = shape;
  const nameOf = (pass: Pass, images: number) =>
    `pass-${passes.indexOf(pass)}-images-${images}`;
  const functions = passes.flatMap((pass) =>
    [...new Set(sizes)].map((images) => [
      nameOf(pass, images),
      stepFunction(
        { images: { shape: [images, height, width, channels] as const } },
        (tensors) =>
          momentsOf(pass, network, {
            parameters: variables.parameters,
            images_NHWC: tensors.images,
          }),
      ),
    ]),
  );
  const program = await createProgram(engine, {
    functions: Object.fromEntries(functions),
  });
  return {
    async measure(pass, { shape: [images], values }) {
      const outputs = await program.run(nameOf(pass, images), {
        images: values,
      });
      return { images, read: (name) => floatsOf(outputs, name) };
    },
    async fold({ measured }, current) {
      const folded = measured.flatMap((name) => {
        const { weight, bias } = foldUnit(name, current);
        return [
          [`${name}/weight`, weight.values],
          [`${name}/bias`, bias.values],
        ] as const;
      });
      await program.write(new Map(folded));
    },
    async close() {
      await program.close();
      variables.dispose();
    },
  };
}

/** The encoder's weights, with a bias for every convolution that may be folded on the way. */
function foldable(network: Network, weights: Weights): Weights {
  const biases = normalizedUnits(network).map(
    ({ name, width }) =>
      [
        `${name}/bias`,
        weights.get(`${name}/bias`) ?? {
          shape: [width],
          values: new Float32Array(width),
        },
      ] as const,
  );
  const own = pickWeights(weights, encoderDeclarations(network));
  return new Map([...own, ...biases]);
}

/** What a pass does not measure, and what lies behind it, is not computed: nobody fetches it. */
function momentsOf(
  { front, measured }: Pass,
  network: Network,
  given: {
    readonly parameters: Parameters;
    readonly images_NHWC: tf.Tensor4D;
  },
): Readonly<Record<string, tf.Tensor1D>> {
  const { moments } = encode({
    ...given,
    network,
    batchNorm: (name) => (front.has(name) ? "folded" : "batch"),
  });
  return Object.fromEntries(
    measured.flatMap((name) => {
      const { mean_C, variance_C } = moments.get(name) as ModelMoments;
      return [
        [`${name}/mean`, mean_C],
        [`${name}/variance`, variance_C],
      ];
    }),
  );
}

type Moments = { readonly mean: number[]; readonly variance: number[] };

/** Moments of all parts together; of one part, exactly its own. */
function mergeMoments(parts: readonly PartMoments[], layer: string): Moments {
  const images = parts.reduce((sum, part) => sum + part.images, 0);
  const averageOf = (of: (part: PartMoments, channel: number) => number) =>
    Array.from({ length: parts[0]?.read(`${layer}/mean`).length ?? 0 }).map(
      (_, channel) =>
        parts.reduce((sum, part) => sum + part.images * of(part, channel), 0) /
        images,
    );
  const at = (part: PartMoments, what: string, channel: number) =>
    part.read(`${layer}/${what}`)[channel] as number;
  const mean = averageOf((part, channel) => at(part, "mean", channel));
  const variance = averageOf(
    (part, channel) =>
      at(part, "variance", channel) +
      (at(part, "mean", channel) - (mean[channel] as number)) ** 2,
  );
  return { mean, variance };
}

/** They were measured without the biases, which shift the means. */
function statisticsOf(
  layer: string,
  weights: Weights,
  { mean, variance }: Moments,
): readonly (readonly [string, WeightArray])[] {
  const bias = weights.get(`${layer}/bias`)?.values;
  const array = (values: readonly number[]): WeightArray => ({
    shape: [values.length],
    values: Float32Array.from(values),
  });
  const shifted = mean.map((value, i) => value + (bias?.[i] ?? 0));
  return [
    [`${layer}/mean`, array(shifted)],
    [`${layer}/variance`, array(variance)],
  ];
}
