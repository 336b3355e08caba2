/** Classification from a few labels of each class: a linear layer on pooled layers, softmax cross-entropy, accuracy. */
import type * as tf from "@tensorflow/tfjs-core";
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import { drawBalanced, splitHeldOut } from "../../data/batches/labels.ts";
import { classify, classifierDeclarations } from "../../model/heads.ts";
import { classificationLoss } from "../../model/losses.ts";
import { readLayers, widthOf } from "../../model/network.ts";
import type { SettingsOf } from "../../spec/params/params-tasks.ts";
import { countCorrect } from "../jobs/accuracy.ts";
import type { DownstreamTask, Scorer } from "../task.ts";
import { floatsOf } from "../trainer.ts";

export function createFewLabel({
  hypercolumn,
}: SettingsOf<"few-label">): DownstreamTask {
  return {
    score: "accuracy",
    recipe: "classification",
    withMasks: false,
    pixelsAtOnce: 2 ** 20,
    extend: (network) => network,
    classesOf: ({ classes }) => classes,
    samples(images, { labels, seed, holdOut }) {
      const all = drawBalanced(images, { perClass: labels, seed });
      const heldOut =
        holdOut === null
          ? null
          : splitHeldOut(images, all, { fraction: holdOut, seed });
      return { all, heldOut };
    },
    declarations: (layers, classes) =>
      classifierDeclarations(widthOf(readLayers(layers, hypercolumn)), classes),
    inputs: (batch) => ({ labels: { shape: [batch], dtype: "int32" } }),
    openFeeds({ images: { imageSize }, ...stream }) {
      const toBatch = createGrayBatches({ ...stream, imageSize });
      return Promise.resolve((images) => {
        const { gray, labels } = toBatch(images);
        return { images: gray, labels };
      });
    },
    loss: ({ layers, parameters, tensors }) => ({
      loss: classificationLoss(
        classify(readLayers(layers, hypercolumn), parameters),
        tensors["labels"] as tf.Tensor1D,
      ),
    }),
    predict: ({ layers, parameters }) => ({
      logits: classify(readLayers(layers, hypercolumn), parameters),
    }),
    openScorers: ({ classes }) =>
      Promise.resolve(() => createScorer(classes.length)),
  };
}

function createScorer(classes: number): Scorer {
  let [correct, counted] = [0, 0];
  return {
    add(outputs, images) {
      const logits = floatsOf(outputs, "logits");
      correct += countCorrect(
        logits.subarray(0, images.counted * classes),
        images.labels.subarray(0, images.counted),
      );
      counted += images.counted;
    },
    score: () => correct / counted,
  };
}
