/**
 * Fine-tuning a classifier as a job for the loop: a linear layer on the pooled hypercolumn, trained together with the encoder
 * under it, whose batch norm is folded away or kept with batch statistics (paper, section 2.5).
 */
import type * as tf from "@tensorflow/tfjs-core";
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import type { ImageSet, MeasuringRounds } from "../../data/images/image-set.ts";
import {
  stepFunction,
  type Engine,
  type StepFunction,
} from "../../engine/engine.ts";
import { encode, type BatchNormMode } from "../../model/encoder.ts";
import {
  encoderDeclarations,
  movableDeclarations,
  type EncoderForm,
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
import { createStepImages, type StepImages } from "./step-images.ts";
import type { Job } from "../loop.ts";
import {
  createTrainer,
  floatsOf,
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
  readonly images: ImageSet;
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
  const { engine, seed, batch, optimizer, images, shift } = options;
  const { imageSize } = images;
  const model = declareModel(options);
  const heldOut = heldOutGroups(options);
  const steps = openSteps(options);
  const toBatch = createGrayBatches({ imageSize, batch, seed, shift });
  const variables = createVariables(model.firstWeights);
  const logitsOf = (images_NHWC: tf.Tensor4D, dropoutSeed?: tf.Tensor1D) => {
    const { parameters } = variables;
    const { layers } = encode({
      ...options,
      parameters,
      images_NHWC,
      dropoutSeed,
    });
    return classify(layers, parameters);
  };
  const trainer = await createTrainer({
    ...optimizer,
    engine,
    seed,
    variables,
    trained: model.trained,
    inputs: {
      images: { shape: shapeOf(images, batch) },
      labels: { shape: [batch], dtype: "int32" },
    },
    loss: (tensors, dropoutSeed) => ({
      loss: classificationLoss(
        logitsOf(tensors["images"] as tf.Tensor4D, dropoutSeed),
        tensors["labels"] as tf.Tensor1D,
      ),
    }),
    functions: scoreFunctions(images, heldOut, logitsOf),
  });
  return {
    trainer,
    firstWeights: model.firstWeights,
    imagesPerStep: batch,
    learningRate: optimizer.learningRate,
    async prepare(plan) {
      const { gray, labels } = toBatch(await steps.of(plan));
      return { images: gray, labels };
    },
    loaderReport: () => steps.report(),
    imagesState: (plan) => steps.state(plan),
    checkImages: (saved, plan) => steps.check(saved, plan),
    score: () => scoreHeldOut(images, heldOut, trainer),
    async close() {
      await steps.close();
      await heldOut?.groups.close();
      await trainer.close();
    },
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
  images,
  seed,
  optimizer,
}: ClassificationOptions): {
  readonly declarations: readonly WeightDeclaration[];
  readonly start: Weights;
  readonly trained: readonly TrainedWeight[];
  readonly firstWeights: Weights;
} {
  const body = encoderDeclarations(network, formsOf[batchNorm]);
  const movable = movableDeclarations(network, formsOf[batchNorm]);
  const head = classifierDeclarations(
    widthOf(geometryOf(network)),
    images.classes.length,
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

const formsOf: Readonly<
  Record<ClassificationOptions["batchNorm"], EncoderForm>
> = { batch: "normalized", folded: "folded" };

function shapeOf({ imageSize }: ImageSet, count: number): GrayImages["shape"] {
  return [count, imageSize.height, imageSize.width, 1];
}

function openSteps(options: ClassificationOptions): StepImages {
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

type HeldOut = { readonly groups: MeasuringRounds; readonly count: number };

function heldOutGroups({
  images,
  samples: { heldOut },
}: ClassificationOptions): HeldOut | null {
  if (!heldOut) return null;
  const { validation } = heldOut;
  const atOnce = imagesAtOnce(images.imageSize);
  return {
    groups: images.groups(validation, atOnce),
    count: validation.length,
  };
}

/** Compiled for one group of held-out images. */
function scoreFunctions(
  images: ImageSet,
  heldOut: HeldOut | null,
  logitsOf: (images_NHWC: tf.Tensor4D) => tf.Tensor2D,
): Readonly<Record<string, StepFunction>> {
  if (!heldOut) return {};
  const shape = shapeOf(images, heldOut.groups.size);
  return {
    score: stepFunction({ images: { shape } }, (tensors) => ({
      logits: logitsOf(tensors.images),
    })),
  };
}

async function scoreHeldOut(
  { imageSize }: ImageSet,
  heldOut: HeldOut | null,
  trainer: Trainer,
): Promise<number> {
  if (!heldOut) throw new Error("no samples were held out");
  const { size: batch } = heldOut.groups;
  const toBatch = createGrayBatches({ imageSize, batch, seed: 0, shift: 0 });
  let correct = 0;
  for await (const group of heldOut.groups.images()) {
    const { gray, labels } = toBatch(group);
    const outputs = await trainer.run("score", { images: gray });
    const logits = floatsOf(outputs, "logits");
    const classes = logits.length / batch;
    correct += countCorrect(
      logits.subarray(0, group.counted * classes),
      labels.subarray(0, group.counted),
    );
  }
  return correct / heldOut.count;
}
