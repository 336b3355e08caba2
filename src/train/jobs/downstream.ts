/**
 * Fine-tuning for a downstream task as a job for the loop: the task's head above an encoder that is trained with it, in whole or
 * from some layer on, and whose batch norm is folded away or kept with batch statistics (paper, sections 2.5 and 4).
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { ImageSet, MeasuringRounds } from "../../data/images/image-set.ts";
import { networkInputs, type NetworkInput } from "../../data/pixels/color.ts";
import { stepFunction, type Engine } from "../../engine/engine.ts";
import { encode, type BatchNormMode } from "../../model/encoder.ts";
import {
  encoderDeclarations,
  movableDeclarations,
  type EncoderForm,
} from "../../model/encoder-weights.ts";
import { geometryOf, type Network } from "../../model/network.ts";
import {
  createWeights,
  pickWeights,
  type WeightDeclaration,
  type Weights,
} from "../../model/weights.ts";
import type { ComputeParams } from "../../spec/params/params-common.ts";
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import type { Job } from "../loop.ts";
import type { DownstreamTask, TaskSamples } from "../task.ts";
import { createTrainer, type TrainedWeight, type Trainer } from "../trainer.ts";
import { createVariables } from "../variables.ts";
import { frozenConvolutions } from "./frozen-layers.ts";
import { imagesAtOnce, type GrayImages } from "./gray-images.ts";
import { createStepImages, type StepImages } from "./step-images.ts";

export type DownstreamOptions = {
  readonly engine: Engine;
  readonly task: DownstreamTask;
  readonly network: Network;
  /** The encoder's: folded for `folded`, with biases that batch norm makes idle for `batch`. */
  readonly encoder: Weights;
  readonly batchNorm: Extract<BatchNormMode, "folded" | "batch">;
  /** `all`, `none`, or the first layer that is trained. */
  readonly trainFrom: string;
  readonly images: ImageSet;
  readonly samples: TaskSamples;
  readonly seed: number;
  readonly batch: number;
  readonly mirror: boolean;
  readonly shift: number;
  readonly compute?: ComputeParams | undefined;
  /** Colours need a network for them. */
  readonly input: NetworkInput;
  readonly optimizer: {
    readonly learningRate: number;
    readonly headLearningRate: number;
    readonly momentum: number;
    readonly weightDecay: number;
    readonly clipNorm?: number | undefined;
  };
};

export type DownstreamJob = Job & {
  /** Encoder and head among the trainer's weights, with what stayed as it was. */
  weightsOf(weights: Weights): Weights;
};

export async function createDownstreamJob(
  options: DownstreamOptions,
): Promise<DownstreamJob> {
  const { engine, task, batchNorm, seed, batch, images } = options;
  const network = task.extend(options.network);
  const model = declareModel(options);
  const classes = task.classesOf(images).length;
  const toFeeds = await task.openFeeds(options);
  const heldOut = await openHeldOut(options);
  const steps = openSteps(options);
  const variables = createVariables(model.firstWeights);
  const { parameters } = variables;
  const layersOf = (images_NHWC: tf.Tensor4D, dropoutSeed?: tf.Tensor1D) =>
    encode({
      network,
      batchNorm,
      parameters,
      images_NHWC,
      dropoutSeed,
      recompute: options.compute?.recompute,
    }).layers;
  const trainer = await createTrainer({
    ...options.optimizer,
    engine,
    compute: options.compute,
    seed,
    variables,
    trained: model.trained,
    inputs: {
      images: { shape: shapeOf(options, batch) },
      ...task.inputs(batch, classes),
    },
    loss: (tensors, dropoutSeed) =>
      task.loss({
        layers: layersOf(tensors["images"] as tf.Tensor4D, dropoutSeed),
        parameters,
        tensors,
        seed: dropoutSeed,
      }),
    functions: heldOut
      ? {
          score: stepFunction(
            { images: { shape: shapeOf(options, heldOut.groups.size) } },
            (tensors) =>
              task.predict({
                layers: layersOf(tensors.images),
                parameters,
                size: sizeOf(images),
              }),
          ),
        }
      : {},
  });
  return {
    trainer,
    firstWeights: model.firstWeights,
    imagesPerStep: batch,
    learningRate: options.optimizer.learningRate,
    prepare: async (plan) => toFeeds(await steps.of(plan)),
    loaderReport: () => steps.report(),
    imagesState: (plan) => steps.state(plan),
    checkImages: (saved, plan) => steps.check(saved, plan),
    ...(heldOut && {
      score: {
        name: task.score,
        measure: () => scoreHeldOut(options, heldOut, trainer),
      },
    }),
    async close() {
      await steps.close();
      await heldOut?.groups.close();
      await trainer.close();
    },
    weightsOf: (weights) =>
      pickWeights(new Map([...model.start, ...weights]), model.declarations),
  };
}

/**
 * Encoder, what the task puts on top of it, and head. Biases that batch norm takes away are kept, and not trained, as are layers
 * that stay as they are.
 */
function declareModel(options: DownstreamOptions): {
  readonly declarations: readonly WeightDeclaration[];
  readonly start: Weights;
  readonly trained: readonly TrainedWeight[];
  readonly firstWeights: Weights;
} {
  const { task, batchNorm, encoder, seed, images, optimizer } = options;
  const network = task.extend(options.network);
  const body = encoderDeclarations(network, formsOf[batchNorm]);
  const inGraph = movableDeclarations(network, formsOf[batchNorm]);
  const frozen = frozenConvolutions(options.network, options.trainFrom);
  const movable = inGraph.filter(({ name }) => !frozen.has(ownerOf(name)));
  const head = task.declarations(
    geometryOf(network),
    task.classesOf(images).length,
  );
  const added = body.filter(({ name }) => !encoder.has(name));
  const start = new Map([
    ...encoder,
    ...createWeights([...added, ...head], seed),
  ]);
  const at = (rateFactor: number) => (declared: WeightDeclaration) => ({
    name: declared.name,
    rateFactor,
    decayFactor: 1,
  });
  const headFactor = optimizer.headLearningRate / optimizer.learningRate;
  return {
    declarations: [...body, ...head],
    start,
    trained: [...movable.map(at(1)), ...head.map(at(headFactor))],
    firstWeights: pickWeights(start, [...inGraph, ...head]),
  };
}

const formsOf: Readonly<Record<DownstreamOptions["batchNorm"], EncoderForm>> = {
  batch: "normalized",
  folded: "folded",
};

/** The convolution that a weight belongs to: `conv1/weight` → `conv1`. */
function ownerOf(weight: string): string {
  return weight.slice(0, weight.lastIndexOf("/"));
}

function shapeOf(
  { images: { imageSize }, input }: Pick<DownstreamOptions, "images" | "input">,
  count: number,
): GrayImages["shape"] {
  const { channels } = networkInputs[input];
  return [count, imageSize.height, imageSize.width, channels];
}

function sizeOf({ imageSize }: ImageSet): readonly [number, number] {
  return [imageSize.height, imageSize.width];
}

function openSteps(options: DownstreamOptions): StepImages {
  const { images, samples, seed, batch, mirror } = options;
  const lists = { all: samples.all, part: samples.heldOut?.train };
  return createStepImages(({ samples: which, fromStep }) =>
    images.train({
      samples: lists[which] ?? samples.all,
      seed,
      batch,
      mirror,
      fromStep,
    }),
  );
}

type HeldOut = {
  readonly groups: MeasuringRounds;
  readonly createScorer: Awaited<ReturnType<DownstreamTask["openScorers"]>>;
};

async function openHeldOut({
  task,
  images,
  samples: { heldOut },
}: DownstreamOptions): Promise<HeldOut | null> {
  if (!heldOut) return null;
  const createScorer = await task.openScorers(images);
  const atOnce = imagesAtOnce(images.imageSize, task.pixelsAtOnce);
  return { groups: images.groups(heldOut.validation, atOnce), createScorer };
}

async function scoreHeldOut(
  { images: { imageSize }, input }: Pick<DownstreamOptions, "images" | "input">,
  { groups, createScorer }: HeldOut,
  trainer: Trainer,
): Promise<number> {
  const toBatch = createGrayBatches({
    imageSize,
    batch: groups.size,
    seed: 0,
    shift: 0,
    input,
  });
  const scorer = createScorer();
  for await (const group of groups.images()) {
    const { gray } = toBatch(group);
    scorer.add(await trainer.run("score", { images: gray }), group);
  }
  return scorer.score();
}
