/**
 * Pretraining as a job for the loop: an encoder with batch statistics, an objective's head above it, and a feed per step.
 *
 * Shape suffixes: N images, H height, W width, C channels.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { ImageSet } from "../../data/images/image-set.ts";
import type { Engine } from "../../engine/engine.ts";
import { encode } from "../../model/encoder.ts";
import {
  encoderDeclarations,
  movableDeclarations,
  statisticsDeclarations,
} from "../../model/encoder-weights.ts";
import {
  updateRunningAverages,
  type RunningAverages,
} from "../../model/running-averages.ts";
import { geometryOf, type Network } from "../../model/network.ts";
import type { Objective } from "../../model/objective.ts";
import { objectives, type ObjectiveSettings } from "../../model/objectives.ts";
import {
  createWeights,
  pickWeights,
  type WeightDeclaration,
  type Weights,
} from "../../model/weights.ts";
import type { ComputeParams } from "../../spec/params/params-common.ts";
import type { ObjectiveKind } from "../../spec/params/params-pretext.ts";
import type { Job } from "../loop.ts";
import { pretextFeeds } from "./pretext-feeds.ts";
import { createStepImages } from "./step-images.ts";
import { createTrainer, type TrainedWeight } from "../trainer.ts";
import { createVariables } from "../variables.ts";

export type PretextOptions<K extends ObjectiveKind> = {
  readonly engine: Engine;
  readonly network: Network;
  readonly kind: K;
  readonly settings: ObjectiveSettings[K];
  readonly images: ImageSet;
  /** Those to learn from; null: all. */
  readonly samples: Int32Array | null;
  /** Where training starts: weights of these names; the others are new. */
  readonly start?: Weights | undefined;
  readonly seed: number;
  readonly batch: number;
  readonly mirror: boolean;
  readonly compute?: ComputeParams | undefined;
  /** Left out: batch-norm statistics are not kept, and have to be measured. */
  readonly running?: RunningAverages | undefined;
  readonly optimizer: {
    readonly learningRate: number;
    readonly momentum: number;
    readonly weightDecay: number;
    readonly biasRate: number;
  };
};

export type PretextJob = Job & {
  /** The encoder's weights among those of the trainer or of a checkpoint, and its biases, which batch norm keeps at zero. */
  encoderOf(weights: Weights): Weights;
  headOf(weights: Weights): Weights;
};

export async function createPretextJob<K extends ObjectiveKind>(
  options: PretextOptions<K>,
): Promise<PretextJob> {
  const { network, kind, settings, batch, seed, optimizer, images } = options;
  const objective: Objective<ObjectiveSettings[K]> = objectives[kind];
  const encoder = encoderDeclarations(network);
  const head = objective.declarations(settings, geometryOf(network));
  const movable = movableDeclarations(network, "normalized");
  const { running } = options;
  const statistics = running ? statisticsDeclarations(network) : [];
  const first = (declared: readonly WeightDeclaration[]) =>
    startingAt(options.start, createWeights(declared, seed));
  const firstEncoder = first(encoder);
  const firstWeights: Weights = new Map([
    ...pickWeights(firstEncoder, movable),
    ...first(statistics),
    ...first(head),
  ]);
  const { width, height } = images.imageSize;
  const toFeeds = pretextFeeds[kind].create(settings, {
    imageSize: images.imageSize,
    seed,
    batch,
  });
  const steps = createStepImages(({ fromStep }) =>
    images.train({
      ...(options.samples ? { samples: options.samples } : {}),
      seed,
      batch,
      mirror: options.mirror,
      fromStep,
    }),
  );
  const variables = createVariables(firstWeights);
  const trainer = await createTrainer({
    ...optimizer,
    engine: options.engine,
    compute: options.compute,
    seed,
    variables,
    trained: [...movable, ...head].map((declared) =>
      toTrained(declared, optimizer.biasRate),
    ),
    inputs: {
      images: { shape: [batch, height, width, 1] },
      ...objective.inputs(settings, batch),
    },
    loss: (tensors, dropoutSeed) => {
      const { parameters } = variables;
      const images_NHWC = tensors["images"] as tf.Tensor4D;
      const { layers, moments } = encode({
        network,
        parameters,
        images_NHWC,
        batchNorm: "batch",
        dropoutSeed,
        recompute: options.compute?.recompute,
      });
      if (running)
        updateRunningAverages(running, {
          moments,
          variable: (name) => variables.byName.get(name) as tf.Variable,
          step: stepOf(dropoutSeed),
        });
      return objective.loss({
        settings,
        layers,
        parameters,
        tensors,
        seed: dropoutSeed,
      });
    },
  });
  const encoderOf = (weights: Weights) =>
    pickWeights(new Map([...firstEncoder, ...weights]), [
      ...encoder,
      ...statistics,
    ]);
  return {
    trainer,
    firstWeights,
    imagesPerStep: batch,
    learningRate: optimizer.learningRate,
    prepare: async (plan) => toFeeds(await steps.of(plan)),
    loaderReport: () => steps.report(),
    imagesState: (plan) => steps.state(plan),
    checkImages: (saved, plan) => steps.check(saved, plan),
    async close() {
      await steps.close();
      await trainer.close();
    },
    encoderOf,
    headOf: (weights) => pickWeights(weights, head),
  };
}

function startingAt(start: Weights | undefined, fresh: Weights): Weights {
  return new Map(
    [...fresh].map(([name, weight]) => [name, start?.get(name) ?? weight]),
  );
}

/** Of the seed that a step is fed: [seed, step]. */
function stepOf(seed: tf.Tensor1D): tf.Scalar {
  return tf.reshape<tf.Rank.R0>(tf.slice(seed, [1], [1]), []);
}

/** Biases learn at their own rate and do not decay (paper, section 3). */
function toTrained(
  { name, shape }: WeightDeclaration,
  biasRate: number,
): TrainedWeight {
  return shape.length === 1
    ? { name, rateFactor: biasRate, decayFactor: 0 }
    : { name, rateFactor: 1, decayFactor: 1 };
}
