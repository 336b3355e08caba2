/**
 * A class for every pixel (paper, section 4.3): a hidden layer on the hypercolumn of sampled places, softmax cross-entropy
 * over those that are not void; whole pictures at a grid of places, enlarged. The score is the mean intersection over union.
 *
 * Shape suffixes: N images, H W height and width, P places, U hidden units, K classes.
 */
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../../base/errors.ts";
import { splitAny } from "../../data/batches/labels.ts";
import { createSegmentationBatches } from "../../data/batches/segmentation-batches.ts";
import type { ImageSet } from "../../data/images/image-set.ts";
import {
  headOutput,
  hiddenDense,
  hiddenHeadDeclarations,
  hiddenSparse,
} from "../../model/heads.ts";
import { readSparse } from "../../model/hypercolumn.ts";
import { maskedClassificationLoss } from "../../model/losses.ts";
import { widthOf } from "../../model/network.ts";
import { withFieldOfView } from "../../model/networks/field-of-view.ts";
import { enlarge, pixelGrid, squareGrid } from "../../model/resample.ts";
import type { SettingsOf } from "../../spec/params/params-tasks.ts";
import {
  countPixelsInPlace,
  createConfusion,
  scoreSegmentation,
} from "../scores/confusion.ts";
import type { DownstreamTask } from "../task.ts";

/** The hidden layer has a thousand numbers for each place of the grid. */
const PIXELS_AT_ONCE = 2 ** 18;

/** Name of the head's output. */
const CLASSES = "classes";

export function createSegmentation(
  settings: SettingsOf<"segmentation">,
): DownstreamTask {
  const { locations, border, hidden } = settings;
  return {
    score: "miou",
    recipe: "segmentation",
    withMasks: true,
    pixelsAtOnce: PIXELS_AT_ONCE,
    extend: (network) => withFieldOfView(network, settings.fieldOfView),
    classesOf: maskClassesOf,
    samples({ size }, { seed, holdOut }) {
      const all = Int32Array.from({ length: size }, (_, i) => i);
      const heldOut =
        holdOut === null ? null : splitAny(all, { fraction: holdOut, seed });
      return { all, heldOut };
    },
    declarations: (layers, classes) =>
      hiddenHeadDeclarations(
        widthOf(layers),
        hidden,
        { [CLASSES]: classes },
        { hidden: initOf(settings), outputs: "xavier" },
      ),
    inputs: (batch) => {
      const places = batch * locations;
      return {
        ys: { shape: [places], dtype: "int32" },
        xs: { shape: [places], dtype: "int32" },
        labels: { shape: [places], dtype: "int32" },
        weights: { shape: [places] },
      };
    },
    openFeeds({ images, seed, batch, input }) {
      const toBatch = createSegmentationBatches({
        imageSize: images.imageSize,
        seed,
        batch,
        input,
        locations,
        border,
        classes: maskClassesOf(images).length,
      });
      return Promise.resolve((some) => {
        const { gray, ...places } = toBatch(some);
        return { images: gray, ...places };
      });
    },
    loss({ layers, parameters, tensors, seed }) {
      const columns_PC = readSparse(
        layers,
        tensors["ys"] as tf.Tensor1D,
        tensors["xs"] as tf.Tensor1D,
      );
      const hidden_PU = hiddenSparse(columns_PC, parameters, {
        rate: settings.dropout,
        seed,
      });
      return {
        loss: maskedClassificationLoss(
          headOutput(hidden_PU, parameters, CLASSES),
          tensors["labels"] as tf.Tensor1D,
          tensors["weights"] as tf.Tensor1D,
        ),
      };
    },
    predict({ layers, parameters, size }) {
      const grid = squareGrid(size, settings.scoreStride);
      const hidden_RU = hiddenDense(layers, parameters, grid);
      const logits_RK = headOutput(hidden_RU, parameters, CLASSES);
      const logits_NHWK = tf.reshape<tf.Rank.R4>(logits_RK, [
        -1,
        grid.height,
        grid.width,
        logits_RK.shape[1],
      ]);
      const full_NHWK = enlarge(logits_NHWK, grid, pixelGrid(size));
      return { classes: tf.argMax(full_NHWK, 3) };
    },
    openScorers(images) {
      const classes = maskClassesOf(images).length;
      return Promise.resolve(() => {
        const confusion = createConfusion(classes);
        return {
          add(outputs, { masks, counted, size }) {
            const predicted = outputs["classes"]?.data;
            if (!predicted || !masks) throw new Error("no classes of pixels");
            const pixels = (masks.length / size) * counted;
            countPixelsInPlace(confusion, masks.subarray(0, pixels), predicted);
          },
          score: () => scoreSegmentation(confusion).miou,
        };
      });
    },
  };
}

function initOf({ hiddenInit }: SettingsOf<"segmentation">) {
  return hiddenInit === "xavier" ? hiddenInit : { normal: hiddenInit };
}

/** @throws UserError `data.no-masks` */
function maskClassesOf({ maskClasses }: ImageSet): readonly string[] {
  if (maskClasses) return maskClasses;
  throw new UserError({
    code: "data.no-masks",
    message: "expected images with segmentation masks; the dataset has none",
    hint: "pack a source that carries masks, such as one of format voc",
  });
}
