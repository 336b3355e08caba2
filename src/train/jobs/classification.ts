/**
 * Fine-tuning a classifier as a job for the loop: a linear layer on the pooled hypercolumn, trained together with the encoder
 * under it, whose batch norm is folded away or kept with batch statistics (paper, section 2.5).
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../../data/dataset.ts";
import {
  createTrainingBatches,
  measuringBatches,
} from "../../data/batches/gray-batches.ts";
import {
  stepFunction,
  type Engine,
  type StepFunction,
} from "../../engine/engine.ts";
import { encode, type BatchNormMode } from "../../model/encoder.ts";
import {
  convolutionDeclarations,
  encoderDeclarations,
} from "../../model/encoder-weights.ts";
import { classify, classifierDeclarations } from "../../model/heads.ts";
import { classificationLoss } from "../../model/losses.ts";
import { geometryOf, widthOf, type Network } from "../../model/network.ts";
import {
  createWeights,
  pickWeights,
  type WeightDeclaration,
  type Weights,
} from "../../model/weights.ts";
import { countCorrect } from "./accuracy.ts";
import { imagesAtOnce, type GrayImages } from "./gray-images.ts";
import { groupsOf } from "./score-groups.ts";
import type { Job } from "../loop.ts";
import type { StepPlan } from "../protocol/protocol.ts";
import {
  createTrainer,
  floatsOf,
  type StepFeeds,
  type TrainedWeight,
  type Trainer,
} from "../trainer.ts";
import { createVariables } from "../variables.ts";

export type ClassificationOptions = {
  readonly engine: Engine;
  readonly network: Network;
  /** The encoder's: folded for `folded`, with biases that batch norm makes idle for `batch`. */
  readonly encoder: Weights;
  readonly batchNorm: Extract<BatchNormMode, "folded" | "batch">;
  readonly dataset: Dataset;
  readonly samples: {
    readonly all: Int32Array;
    /** What is left, and what was held out of it to decide when to stop; null: nothing is held out. */
    readonly heldOut: {
      readonly train: Int32Array;
      readonly validation: Int32Array;
    } | null;
  };
  readonly seed: number;
  readonly batch: number;
  readonly mirror: boolean;
  readonly shift: number;
  readonly optimizer: {
    readonly learningRate: number;
    readonly headLearningRate: number;
    readonly momentum: number;
    readonly weightDecay: number;
    readonly clipNorm?: number | undefined;
  };
};

export type ClassificationJob = Job & {
  /** Encoder and classifier as they are now. */
  readWeights(): Promise<Weights>;
};

export async function createClassificationJob(
  options: ClassificationOptions,
): Promise<ClassificationJob> {
  const { engine, seed, batch, optimizer } = options;
  const model = declareModel(options);
  const feeder = createFeeder(options);
  const variables = createVariables(model.firstWeights);
  const logitsOf = (images_NHWC: tf.Tensor4D) => {
    const { parameters } = variables;
    const { layers } = encode({ ...options, parameters, images_NHWC });
    return classify(layers, parameters);
  };
  const trainer = await createTrainer({
    ...optimizer,
    engine,
    seed,
    variables,
    trained: model.trained,
    inputs: {
      images: { shape: feeder.shapeOf(batch) },
      labels: { shape: [batch], dtype: "int32" },
    },
    loss: (tensors) => ({
      loss: classificationLoss(
        logitsOf(tensors["images"] as tf.Tensor4D),
        tensors["labels"] as tf.Tensor1D,
      ),
    }),
    functions: scoreFunctions(options, feeder, logitsOf),
  });
  return {
    trainer,
    firstWeights: model.firstWeights,
    imagesPerStep: batch,
    learningRate: optimizer.learningRate,
    prepare: (plan) => feeder.feedsOf(plan),
    score: () => scoreHeldOut(options, feeder, trainer),
    async readWeights() {
      const now = new Map([...model.start, ...(await trainer.read())]);
      return pickWeights(now, model.declarations);
    },
  };
}

/** Encoder and a classifier that starts at zero; biases that batch norm takes away are kept, and not trained. */
function declareModel({
  network,
  encoder,
  batchNorm,
  dataset,
  seed,
  optimizer,
}: ClassificationOptions): {
  readonly declarations: readonly WeightDeclaration[];
  readonly start: Weights;
  readonly trained: readonly TrainedWeight[];
  readonly firstWeights: Weights;
} {
  const body = encoderDeclarations(network);
  const movable =
    batchNorm === "folded" ? body : convolutionDeclarations(network);
  const head = classifierDeclarations(
    widthOf(geometryOf(network)),
    dataset.classes.length,
  );
  const start = new Map([...encoder, ...createWeights(head, seed)]);
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
    firstWeights: pickWeights(start, [...movable, ...head]),
  };
}

type Feeder = {
  /** The most images that are scored together. */
  readonly atOnce: number;
  shapeOf(images: number): GrayImages["shape"];
  feedsOf(plan: StepPlan): StepFeeds;
};

function createFeeder(options: ClassificationOptions): Feeder {
  const { all, heldOut } = options.samples;
  const batches = {
    all: createTrainingBatches({ ...options, samples: all }),
    part: createTrainingBatches({ ...options, samples: heldOut?.train ?? all }),
  };
  const { width, height } = batches.all.size;
  return {
    atOnce: imagesAtOnce(batches.all.size),
    shapeOf: (images) => [images, height, width, 1],
    feedsOf({ samples, step }) {
      const { gray, labels } = batches[samples].batch(step);
      return { images: gray, labels };
    },
  };
}

/** Compiled for one group of held-out images. */
function scoreFunctions(
  { samples }: ClassificationOptions,
  feeder: Feeder,
  logitsOf: (images_NHWC: tf.Tensor4D) => tf.Tensor2D,
): Readonly<Record<string, StepFunction>> {
  if (!samples.heldOut) return {};
  const shape = feeder.shapeOf(
    groupsOf(samples.heldOut.validation, feeder.atOnce).size,
  );
  return {
    score: stepFunction({ images: { shape } }, ({ images }) => ({
      logits: logitsOf(images),
    })),
  };
}

async function scoreHeldOut(
  { dataset, samples: { heldOut } }: ClassificationOptions,
  feeder: Feeder,
  trainer: Trainer,
): Promise<number> {
  if (!heldOut) throw new Error("no samples were held out");
  const { size, groups } = groupsOf(heldOut.validation, feeder.atOnce);
  let correct = 0;
  for (const { samples, counted } of groups) {
    const [group] = measuringBatches({ dataset, samples, batch: size });
    if (!group) throw new Error("a group has at least one image");
    const outputs = await trainer.run("score", { images: group.gray });
    const logits = floatsOf(outputs, "logits");
    const classes = logits.length / size;
    correct += countCorrect(
      logits.subarray(0, counted * classes),
      group.labels.subarray(0, counted),
    );
  }
  return correct / heldOut.validation.length;
}
