/**
 * Fine-tuning a classifier as a job for the loop: a linear layer on the pooled hypercolumn, trained together with the encoder
 * under it, whose batch norm is folded away or kept with batch statistics (paper, section 2.5).
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../data/dataset.ts";
import {
  createTrainingBatches,
  measuringBatches,
  type TrainingBatches,
} from "../data/gray-batches.ts";
import {
  stepFunction,
  type Engine,
  type StepFunction,
} from "../engine/engine.ts";
import { encode, type BatchNormMode } from "../model/encoder.ts";
import { encoderDeclarations } from "../model/encoder-weights.ts";
import { classify, classifierDeclarations } from "../model/heads.ts";
import { classificationLoss } from "../model/losses.ts";
import { geometryOf, widthOf, type Network } from "../model/network.ts";
import {
  createWeights,
  pickWeights,
  type WeightDeclaration,
  type Weights,
} from "../model/weights.ts";
import { countCorrect } from "./accuracy.ts";
import type { Job } from "./loop.ts";
import { createTrainer, floatsOf } from "./trainer.ts";
import { createVariables } from "./variables.ts";

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
  const { network, dataset, samples, batchNorm, batch, optimizer } = options;
  const declared = encoderDeclarations(network);
  const head = classifierDeclarations(
    widthOf(geometryOf(network)),
    dataset.classes.length,
  );
  const trained = [
    ...declared.filter(({ init }) => batchNorm === "folded" || init !== "zero"),
    ...head,
  ];
  const classifier = createWeights(head, options.seed);
  const start: Weights = new Map([...options.encoder, ...classifier]);
  const firstWeights = pickWeights(start, trained);
  const batches = {
    all: createTrainingBatches({ ...options, samples: samples.all }),
    part: createTrainingBatches({
      ...options,
      samples: samples.heldOut?.train ?? samples.all,
    }),
  };
  const variables = createVariables(firstWeights);
  const logitsOf = (images_NHWC: tf.Tensor4D) =>
    classify(
      encode({
        network,
        parameters: variables.parameters,
        images_NHWC,
        batchNorm,
      }).layers,
      variables.parameters,
    );
  const { size } = batches.all;
  const heldOut = samples.heldOut?.validation ?? null;
  const trainer = await createTrainer({
    ...optimizer,
    engine: options.engine,
    seed: options.seed,
    variables,
    trained: trained.map(({ name }) => ({
      name,
      rateFactor: isOf(head, name)
        ? optimizer.headLearningRate / optimizer.learningRate
        : 1,
      decayFactor: 1,
    })),
    inputs: {
      images: { shape: [batch, size.height, size.width, 1] },
      labels: { shape: [batch], dtype: "int32" },
    },
    loss: (tensors) => ({
      loss: classificationLoss(
        logitsOf(tensors["images"] as tf.Tensor4D),
        tensors["labels"] as tf.Tensor1D,
      ),
    }),
    functions: heldOut
      ? { score: scoreFunction(heldOut.length, size, logitsOf) }
      : {},
  });
  return {
    trainer,
    firstWeights,
    imagesPerStep: batch,
    learningRate: optimizer.learningRate,
    prepare(plan) {
      const { gray, labels } = batches[plan.samples].batch(plan.step);
      return { images: gray, labels };
    },
    async score() {
      if (!heldOut) throw new Error("no samples were held out");
      // All of them at once: with batch statistics the score must not depend on how they are grouped.
      const [held] = measuringBatches({
        dataset,
        samples: heldOut,
        batch: heldOut.length,
      });
      if (!held) throw new Error("no samples were held out");
      const outputs = await trainer.run("score", { images: held.gray });
      const logits = floatsOf(outputs, "logits");
      return countCorrect(logits, held.labels) / heldOut.length;
    },
    async readWeights() {
      const now = new Map([...start, ...(await trainer.read())]);
      return pickWeights(now, [...declared, ...head]);
    },
  };
}

function scoreFunction(
  images: number,
  { width, height }: TrainingBatches["size"],
  logitsOf: (images_NHWC: tf.Tensor4D) => tf.Tensor2D,
): StepFunction {
  return stepFunction(
    { images: { shape: [images, height, width, 1] } },
    (tensors) => ({ logits: logitsOf(tensors.images) }),
  );
}

function isOf(
  declarations: readonly WeightDeclaration[],
  name: string,
): boolean {
  return declarations.some((declared) => declared.name === name);
}
