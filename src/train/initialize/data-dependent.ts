/**
 * First weights by what images look like to each layer (Krähenbühl, Doersch, Donahue and Darrell, "Data-dependent initializations of
 * convolutional neural networks", ICLR 2016). Convolution by convolution, in the order of computation:
 *
 *  1. patches of what it reads are whitened and clustered; the clusters' directions are its filters, each group of channels by itself;
 *  2. every channel is scaled and shifted so that it has mean 0 and variance 1 in front of ReLU;
 *
 * and at the end whole layers are scaled against each other (`between-layers.ts`). A function of images, settings and seed alone.
 *
 * A convolution with fewer patches than filters keeps its random ones, as do channels that never vary; step 2 scales both.
 */
import { StoppedError } from "../../base/errors.ts";
import { hash32, streamOf } from "../../base/random.ts";
import * as tf from "@tensorflow/tfjs-core";
import type { Engine } from "../../engine/engine.ts";
import { encoderDeclarations } from "../../model/encoder-weights.ts";
import type { Unit } from "../../model/layer-rules.ts";
import { unitsOf, withUnits, type Network } from "../../model/network.ts";
import {
  createWeights,
  pickWeights,
  weightOf,
  type WeightArray,
  type Weights,
} from "../../model/weights.ts";
import type { ClusteringSettings } from "../../spec/params/params-initialize.ts";
import type { GrayImages, GrayParts } from "../jobs/gray-images.ts";
import { equalizeRates } from "./between-layers.ts";
import { sphericalKMeans } from "./k-means.ts";
import { createPatchCollector, type Patches } from "./patches.ts";
import {
  createUnitProbe,
  type ChannelMoments,
  type UnitProbe,
} from "./unit-probe.ts";
import { whitenInPlace } from "./whiten.ts";

export type DataDependentOptions = {
  readonly engine: Engine;
  readonly network: Network;
  readonly settings: ClusteringSettings;
  readonly seed: number;
  readonly images: {
    /** Patches are taken from these. */
    readonly patches: GrayParts;
    /** Means and variances are those of these. */
    readonly statistics: GrayParts;
  };
  readonly signal: AbortSignal;
  progress(done: number, all: number): void;
};

/** Weights of the encoder, its batch-norm statistics left out, and how many convolutions have clusters for filters. */
export async function createDataDependentWeights(
  options: DataDependentOptions,
): Promise<{ readonly weights: Weights; readonly clustered: number }> {
  const { network, settings, seed, signal } = options;
  const declared = encoderDeclarations(network);
  const all = withUnits(network, (unit) => ({
    ...unit,
    bias: true,
    batchNorm: "parameter-free",
  }));
  // Batch norm behind it or not, a convolution is scaled as if there were none.
  let weights = createWeights(
    [...declared, ...encoderDeclarations(all, "folded")],
    seed,
  );
  let clustered = 0;
  const units = unitsOf(all);
  for (const [done, unit] of units.entries()) {
    if (signal.aborted) throw new StoppedError("stopped between two layers");
    options.progress(done, units.length);
    const found = await initializeUnit(options, { all, unit, weights });
    clustered += Number(found.isClustered);
    weights = new Map([...weights, ...found.weights]);
  }
  const own = pickWeights(weights, declared);
  return {
    weights: settings.betweenLayers
      ? await equalizeRates({
          ...options,
          weights: own,
          images: await firstPart(options.images.patches),
        })
      : own,
    clustered,
  };
}

async function initializeUnit(
  options: DataDependentOptions,
  given: {
    readonly all: Network;
    readonly unit: Unit;
    readonly weights: Weights;
  },
): Promise<{ readonly weights: Weights; readonly isClustered: boolean }> {
  const { engine, images } = options;
  const { unit } = given;
  const probe = await createUnitProbe({
    engine,
    network: given.all,
    weights: given.weights,
    unit: unit.name,
    images: [images.patches, images.statistics],
  });
  try {
    const first = weightOf(given.weights, `${unit.name}/weight`);
    const filters = await clusterFilters(options, { unit, probe, first });
    if (filters) await probe.write(filters.values);
    const moments = await probe.measure(images.statistics);
    const weights = standardize(unit.name, filters ?? first, moments);
    return { weights, isClustered: filters !== null };
  } finally {
    await probe.close();
  }
}

/** Null: there are too few patches. */
async function clusterFilters(
  { images, settings, seed }: DataDependentOptions,
  given: {
    readonly unit: Unit;
    readonly probe: UnitProbe;
    readonly first: WeightArray;
  },
): Promise<WeightArray | null> {
  const { unit, probe, first } = given;
  const own = hash32(seed, streamOf(unit.name));
  const collector = createPatchCollector(unit, {
    images: images.patches.shape[0],
    patches: settings.patches,
    seed: own,
  });
  for await (const part of images.patches.parts())
    collector.add(await probe.read(part));
  const wide = unit.width / unit.groups;
  const values = first.values.slice();
  for (const [group, patches] of collector.groups().entries()) {
    if (patches.count < wide) return null;
    const filters = await filtersOf(patches, {
      wide,
      iterations: settings.iterations,
      seed: hash32(own, group),
    });
    if (!filters) return null;
    for (let d = 0; d < patches.size; d++)
      values.set(
        filters.subarray(d * wide, (d + 1) * wide),
        d * unit.width + group * wide,
      );
  }
  return { shape: first.shape, values };
}

/** Filters [size of a patch, wide]; null: all patches are alike. */
async function filtersOf(
  patches: Patches,
  options: {
    readonly wide: number;
    readonly iterations: number;
    readonly seed: number;
  },
): Promise<Float32Array | null> {
  const { wide, iterations, seed } = options;
  const whitened = whitenInPlace(patches, { components: wide, seed });
  if (!whitened) return null;
  try {
    const directions_KR = await sphericalKMeans(whitened.points_PR, {
      directions: wide,
      iterations,
      seed,
    });
    const filters_DK = whitened.toFilters(directions_KR);
    const values = filters_DK.dataSync() as Float32Array;
    tf.dispose([directions_KR, filters_DK]);
    return values;
  } finally {
    whitened.dispose();
  }
}

/** A channel that varies less than this never does. */
const LEAST_DEVIATION = 1e-6;

/** The filters over each channel's deviation, and biases that cancel its mean. */
function standardize(
  name: string,
  { shape, values }: WeightArray,
  { mean, variance }: ChannelMoments,
): Weights {
  const scale = variance.map((v) => {
    const deviation = Math.sqrt(v);
    return deviation > LEAST_DEVIATION ? 1 / deviation : 1;
  });
  const wide = scale.length;
  return new Map([
    [
      `${name}/weight`,
      { shape, values: values.map((v, i) => v * (scale[i % wide] as number)) },
    ],
    [
      `${name}/bias`,
      {
        shape: [wide],
        values: Float32Array.from(mean, (m, c) => -m * (scale[c] as number)),
      },
    ],
  ]);
}

/** Gradients need more memory than maps: of a part, a few images are enough. */
const GRADIENT_IMAGES = 16;

async function firstPart(parts: GrayParts): Promise<GrayImages> {
  for await (const { shape, values } of parts.parts()) {
    const [images, height, width, channels] = shape;
    const count = Math.min(images, GRADIENT_IMAGES);
    return {
      shape: [count, height, width, channels],
      values: values.slice(0, count * height * width * channels),
    };
  }
  throw new Error("there are no images");
}
