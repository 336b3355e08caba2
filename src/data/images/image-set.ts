/**
 * The port between whoever trains or measures and where images come from: a dataset in memory, or threads that fetch,
 * decode and crop. Both give uint8 batches of one size, mirrored already where training asks for it, so that everything
 * behind them is the same code.
 *
 * A Everything about training step k follows from (seed, k): any step can be asked for first (docs/design.md, invariant H).
 * B What is measured is not augmented, unless several random views of each image are asked for.
 */
import type { LabelledSamples } from "../batches/labels.ts";
import type { LabelMarks } from "../label-marks.ts";
import type { ImageBatch, LoaderReport } from "../loader/loader.ts";
import type { OrderState } from "../order/order-state.ts";
import type { ImageSize } from "../pixels/image-size.ts";

/** Images of one size, [size, H, W, 3] sRGB, each with what is known of it. */
export type Images = Pick<
  ImageBatch,
  "size" | "pixels" | "masks" | "labels" | "samples" | "epochs"
>;

/** What a training reads, step by step. */
export type TrainingImages = {
  /** Valid until the second call after it. */
  batch(step: number): Promise<Images>;
  /** Where time went since the last report; null: nothing is read while training. */
  report(): LoaderReport | null;
  /** What decides which pixels a step sees, for checkpoints; null: its number and the dataset alone. */
  state(step: number): OrderState | null;
  close(): Promise<void>;
};

export type TrainingImagesOptions = {
  /** The samples to train on, each once an epoch; default: all. */
  readonly samples?: Int32Array;
  readonly seed: number;
  /** Images a step. */
  readonly batch: number;
  readonly mirror: boolean;
  /** The step that will be asked for first. */
  readonly fromStep: number;
};

export type MeasuringOptions = {
  /** Default: all. */
  readonly samples?: Int32Array;
  /** The most images at once. */
  readonly batch: number;
};

/** Some of what is measured; in the last of several the images may be fewer. */
export type MeasuringImages = Images & {
  /** The first so many count: what fills up a batch counts in another one. */
  readonly counted: number;
};

export type ImageSet = LabelledSamples & {
  /** SHA-256 of the catalog. */
  readonly id: string;
  /** E[C] of the whole dataset (paper 1.4). */
  readonly meanChroma: number;
  /** What the numbers of masks mean; null: the images have none, or were opened without them. */
  readonly maskClasses: readonly string[] | null;
  /** Of every image that a batch holds. */
  readonly imageSize: ImageSize;
  /** Views of each image that `measure` gives, for averages. */
  readonly views: number;
  sampleName(sample: number): string;
  /** Which classes each image shows, where it may show several. */
  readMarks(): Promise<LabelMarks>;
  train(options: TrainingImagesOptions): Promise<TrainingImages>;
  /** Every sample `views` times, in an order that only depends on the samples; valid until the next batch. */
  measure(options: MeasuringOptions): AsyncIterable<MeasuringImages>;
  /** The same, as often as it is wanted. */
  rounds(options: MeasuringOptions): MeasuringRounds;
  /** Groups of one size, of all classes alike, each sample counted once: what batch statistics are taken over. */
  groups(samples: Int32Array, atOnce: number): MeasuringRounds;
};

/** The same batches round after round. What reads them is opened with the first one, and stays open until it is closed. */
export type MeasuringRounds = {
  /** The most images in a batch; a group has exactly so many. */
  readonly size: number;
  /** One round, from the beginning; one at a time. */
  images(): AsyncIterable<MeasuringImages>;
  close(): Promise<void>;
};
