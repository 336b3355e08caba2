/**
 * Colorization as the proxy task: from a gray photograph predict, at sampled places, the histograms of hue and chroma in a
 * small window (paper, sections 1.3 and 1.4), or the pixel's Lab a and b (section 1.5).
 *
 * The two targets differ in their outputs and losses alone: a table by target, so that nothing branches on a name.
 * Shape suffixes: P places, K bins, U hidden units.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Inputs } from "../../engine/engine.ts";
import type { ColorizeSettings } from "../../spec/params/params-pretext.ts";
import {
  headOutput,
  hiddenDense,
  hiddenHeadDeclarations,
  hiddenSparse,
  type HeadOutputs,
} from "../heads.ts";
import { readSparse } from "../hypercolumn.ts";
import { histogramLoss, regressionLoss } from "../losses.ts";
import { readLayers, widthOf } from "../network.ts";
import type { Losses, Objective, StepTensors } from "../objective.ts";
import { pixelGrid } from "../resample.ts";

/** Settings with every value known: `auto` has become 1 / mean chroma of the dataset. */
export type ResolvedColorize = Omit<ColorizeSettings, "hueWeight"> & {
  readonly hueWeight: number;
};

type Target = {
  outputs(settings: ResolvedColorize): HeadOutputs;
  inputs(settings: ResolvedColorize, places: number): Inputs;
  loss(
    settings: ResolvedColorize,
    outputs: Readonly<Record<string, tf.Tensor2D>>,
    tensors: StepTensors,
  ): Losses;
  predict(output: tf.Tensor2D): tf.Tensor2D;
};

const hueChroma: Target = {
  outputs: ({ bins }) => ({ hue: bins, chroma: bins }),
  inputs: ({ bins }, places) => ({
    hue: { shape: [places, bins] },
    chroma: { shape: [places, bins] },
    hueWeights: { shape: [places] },
    chromaWeights: { shape: [places] },
  }),
  loss: ({ hueWeight }, outputs, tensors) => {
    const term = (name: "hue" | "chroma") =>
      histogramLoss({
        logits_PK: outputs[name] as tf.Tensor2D,
        targets_PK: tensors[name] as tf.Tensor2D,
        weights_P: tensors[`${name}Weights`] as tf.Tensor1D,
      });
    const chroma = term("chroma");
    const hue = tf.mul<tf.Scalar>(term("hue"), hueWeight);
    return { loss: tf.add(chroma, hue), chroma, hue };
  },
  predict: (logits_PK) => tf.softmax(logits_PK),
};

const labRegression: Target = {
  outputs: () => ({ ab: 2 }),
  inputs: (_settings, places) => ({ ab: { shape: [places, 2] } }),
  loss: (_settings, outputs, tensors) => ({
    loss: regressionLoss(
      outputs["ab"] as tf.Tensor2D,
      tensors["ab"] as tf.Tensor2D,
    ),
  }),
  predict: (output) => output,
};

const targets: Readonly<Record<ColorizeSettings["target"], Target>> = {
  "hue-chroma": hueChroma,
  "lab-regression": labRegression,
};

export const colorize: Objective<ResolvedColorize> = {
  declarations: (settings, layers) =>
    hiddenHeadDeclarations(
      widthOf(readLayers(layers, settings.hypercolumn)),
      settings.hidden,
      targets[settings.target].outputs(settings),
    ),

  inputs(settings, batch) {
    const places = batch * settings.locations;
    return {
      ys: { shape: [places], dtype: "int32" },
      xs: { shape: [places], dtype: "int32" },
      ...targets[settings.target].inputs(settings, places),
    };
  },

  loss({ settings, layers, parameters, tensors, seed }) {
    const target = targets[settings.target];
    const columns_PC = readSparse(
      readLayers(layers, settings.hypercolumn),
      tensors["ys"] as tf.Tensor1D,
      tensors["xs"] as tf.Tensor1D,
    );
    const hidden_PU = hiddenSparse(columns_PC, parameters, {
      rate: settings.dropout,
      seed,
    });
    const outputs = Object.fromEntries(
      Object.keys(target.outputs(settings)).map((name) => [
        name,
        headOutput(hidden_PU, parameters, name),
      ]),
    );
    return target.loss(settings, outputs, tensors);
  },

  predict({ settings, layers, parameters, size }) {
    const target = targets[settings.target];
    const read = readLayers(layers, settings.hypercolumn);
    const hidden_PU = hiddenDense(read, parameters, pixelGrid(size));
    return Object.fromEntries(
      Object.keys(target.outputs(settings)).map((name) => [
        name,
        target.predict(headOutput(hidden_PU, parameters, name)),
      ]),
    );
  },
};
