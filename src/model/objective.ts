/**
 * What pretraining is to the training loop: weights above the encoder, inputs of a step, a loss, and a prediction.
 * `objectives.ts` has one for each kind; the loop and the stages ask it and never branch on a kind.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Inputs } from "../engine/engine.ts";
import type { Activation, Parameters } from "./encoder.ts";
import type { WeightDeclaration } from "./weights.ts";

/** Tensors of a step by the names that `inputs` declared. */
export type StepTensors = Readonly<Record<string, tf.Tensor>>;

/** `loss` is minimized; the rest is for learning curves. All scalars. */
export type Losses = { readonly loss: tf.Scalar } & Readonly<
  Record<string, tf.Scalar>
>;

export type Objective<S> = {
  /** Weights of the head above an encoder with these layers. */
  declarations(
    settings: S,
    layers: readonly { readonly width: number }[],
  ): readonly WeightDeclaration[];
  /** What a step of `batch` images is fed besides the images. */
  inputs(settings: S, batch: number): Inputs;
  loss(options: {
    readonly settings: S;
    readonly layers: readonly Activation[];
    readonly parameters: Parameters;
    readonly tensors: StepTensors;
    /** int32 [2]: seed and step. */
    readonly seed: tf.Tensor1D;
  }): Losses;
  /** What the model says, by name: rows [N·H·W, width] about every pixel, or [N, width] about every image. */
  predict(options: {
    readonly settings: S;
    readonly layers: readonly Activation[];
    readonly parameters: Parameters;
    readonly size: readonly [number, number];
  }): Readonly<Record<string, tf.Tensor2D>>;
};
