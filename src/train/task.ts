/**
 * What a downstream task is to a fine-tuning: which samples it learns from, a head above the encoder, what a step is fed, a
 * loss, and a score. `tasks.ts` has one for each name; jobs and stages ask it and never branch on a name.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { CropRecipe } from "../data/images/crops.ts";
import type { NetworkInput } from "../data/pixels/color.ts";
import type {
  Images,
  ImageSet,
  MeasuringImages,
} from "../data/images/image-set.ts";
import type { Inputs, TensorValue } from "../engine/engine.ts";
import type { Activation, Parameters } from "../model/encoder.ts";
import type { LayerGeometry, Network } from "../model/network.ts";
import type { Losses, StepTensors } from "../model/objective.ts";
import type { WeightDeclaration } from "../model/weights.ts";
import type { StepFeeds } from "./trainer.ts";

/** The samples of one seed. */
export type TaskSamples = {
  readonly all: Int32Array;
  /** What is left, and what was held out of it to decide when to stop; null: nothing is held out. */
  readonly heldOut: {
    readonly train: Int32Array;
    readonly validation: Int32Array;
  } | null;
};

/** What every step of a training has in common. */
export type TaskStream = {
  readonly images: ImageSet;
  readonly seed: number;
  /** Images a step. */
  readonly batch: number;
  /** Largest random shift in pixels, for tasks whose images may be shifted. */
  readonly shift: number;
  readonly input: NetworkInput;
};

/** Adds up what a model says of images, to one number: the larger, the better. */
export type Scorer = {
  add(
    outputs: Readonly<Record<string, TensorValue>>,
    images: MeasuringImages,
  ): void;
  score(): number;
};

export type DownstreamTask = {
  /** What its score is called. */
  readonly score: "accuracy" | "top5" | "map" | "miou";
  /** What is done with photographs whose crop says nothing of scales. */
  readonly recipe: CropRecipe;
  readonly withMasks: boolean;
  /** Pixels of images that go through the model at once while it is scored. */
  readonly pixelsAtOnce: number;
  /** The network with what the task puts on top of it, below the head. */
  extend(network: Network): Network;
  /** What the outputs of the head stand for. @throws UserError for a dataset that does not say it. */
  classesOf(images: ImageSet): readonly string[];
  samples(
    images: ImageSet,
    how: {
      readonly labels: number | "all";
      readonly seed: number;
      /** Fraction to hold out; null: none. */
      readonly holdOut: number | null;
    },
  ): TaskSamples;
  declarations(
    layers: readonly Pick<LayerGeometry, "width">[],
    classes: number,
  ): readonly WeightDeclaration[];
  /** What a step is fed besides the images. */
  inputs(batch: number, classes: number): Inputs;
  /** From a step's images to its feeds, which stay valid until the second call after it. */
  openFeeds(stream: TaskStream): Promise<(images: Images) => StepFeeds>;
  loss(given: {
    readonly layers: readonly Activation[];
    readonly parameters: Parameters;
    readonly tensors: StepTensors;
    /** int32 [2]: seed and step. */
    readonly seed: tf.Tensor1D;
  }): Losses;
  /** What the model says of whole images, by name. */
  predict(given: {
    readonly layers: readonly Activation[];
    readonly parameters: Parameters;
    /** Height and width of the images. */
    readonly size: readonly [number, number];
  }): Readonly<Record<string, tf.Tensor>>;
  /** Makes a scorer for each pass over held-out images. */
  openScorers(images: ImageSet): Promise<() => Scorer>;
};
