/**
 * Classification of images that may show several classes (paper, section 4.2): a linear layer on pooled layers, sigmoid
 * cross-entropy summed over classes, mean average precision. Classes that are hard to see count neither way.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import { splitAny } from "../../data/batches/labels.ts";
import { createMarkBatches } from "../../data/batches/mark-batches.ts";
import { classify, classifierDeclarations } from "../../model/heads.ts";
import { maskedSigmoidLoss } from "../../model/losses.ts";
import { readLayers, widthOf } from "../../model/network.ts";
import type { SettingsOf } from "../../spec/params/params-tasks.ts";
import { createRanking } from "../scores/ranking.ts";
import type { DownstreamTask } from "../task.ts";
import { floatsOf } from "../trainer.ts";

export function createMultiLabel({
  hypercolumn,
}: SettingsOf<"multi-label">): DownstreamTask {
  return {
    score: "map",
    recipe: "classification",
    withMasks: false,
    pixelsAtOnce: 2 ** 20,
    extend: (network) => network,
    classesOf: ({ classes }) => classes,
    samples({ size }, { seed, holdOut }) {
      const all = Int32Array.from({ length: size }, (_, i) => i);
      const heldOut =
        holdOut === null ? null : splitAny(all, { fraction: holdOut, seed });
      return { all, heldOut };
    },
    declarations: (layers, classes) =>
      classifierDeclarations(widthOf(readLayers(layers, hypercolumn)), classes),
    inputs: (batch, classes) => ({
      targets: { shape: [batch, classes] },
      weights: { shape: [batch, classes] },
    }),
    async openFeeds({ images, ...stream }) {
      const { imageSize, classes } = images;
      const toGray = createGrayBatches({ ...stream, imageSize });
      const toMarks = createMarkBatches({
        batch: stream.batch,
        classes: classes.length,
        marks: await images.readMarks(),
      });
      return (some) => ({ images: toGray(some).gray, ...toMarks(some) });
    },
    loss: ({ layers, parameters, tensors }) => ({
      loss: maskedSigmoidLoss(
        classify(readLayers(layers, hypercolumn), parameters),
        tensors["targets"] as tf.Tensor2D,
        tensors["weights"] as tf.Tensor2D,
      ),
    }),
    predict: ({ layers, parameters }) => ({
      logits: classify(readLayers(layers, hypercolumn), parameters),
    }),
    async openScorers(images) {
      const marks = await images.readMarks();
      const classes = images.classes.length;
      return () => {
        const ranking = createRanking(classes);
        return {
          add(outputs, { samples, counted }) {
            const logits = floatsOf(outputs, "logits");
            for (let i = 0; i < counted; i++)
              ranking.add(
                logits.subarray(i * classes, (i + 1) * classes),
                marks.of(samples[i] as number),
              );
          },
          score: () => ranking.mean()?.stepWise ?? 0,
        };
      };
    },
  };
}
