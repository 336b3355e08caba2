/** Classification from a few labels of each class: a linear layer on pooled layers, softmax cross-entropy, accuracy. */
import type * as tf from "@tensorflow/tfjs-core";
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import { drawBalanced, splitHeldOut } from "../../data/batches/labels.ts";
import { classify, classifierDeclarations } from "../../model/heads.ts";
import { classificationLoss } from "../../model/losses.ts";
import { readLayers, widthOf } from "../../model/network.ts";
import type { SettingsOf } from "../../spec/params/params-tasks.ts";
import { countWithin } from "../jobs/accuracy.ts";
import type { DownstreamTask, Scorer } from "../task.ts";
import { floatsOf } from "../trainer.ts";

/** How many of the largest logits a label may be among, by score. */
const PLACES = { accuracy: 1, top5: 5 } as const;

export function createFewLabel({
  hypercolumn,
  score = "accuracy",
}: SettingsOf<"few-label">): DownstreamTask {
  return {
    score,
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
      Promise.resolve(() => createScorer(classes.length, PLACES[score])),
  };
}

function createScorer(classes: number, places: number): Scorer {
  let [correct, counted] = [0, 0];
  return {
    add(outputs, images) {
      const logits = floatsOf(outputs, "logits");
      correct += countWithin(
        logits.subarray(0, images.counted * classes),
        images.labels.subarray(0, images.counted),
        places,
      );
      counted += images.counted;
    },
    score: () => correct / counted,
  };
}
