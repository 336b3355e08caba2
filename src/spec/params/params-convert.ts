/** Parameters of `convert`: the same function in other weights (paper, sections 2.5 to 2.7). */
import { z } from "zod";
import { readOneWay, side, trainingCrop } from "./params-common.ts";
import { count } from "./units.ts";

export const convertParams = z
  .strictObject({
    fold: z
      .boolean()
      .default(false)
      .describe("Fold batch norm into the weights and biases."),
    rebalance: z
      .strictObject({
        images: count
          .default(1000)
          .describe("Unlabeled images that the activations are measured on."),
      })
      .optional()
      .describe(
        "Scale every layer so that its activations have a second moment of 1. For chains of layers without batch norm; `data` is needed.",
      ),
    input: z
      .enum(["gray", "rgb"])
      .optional()
      .describe(
        "Channels of the first convolution: gray filters divided among three, or those of three added.",
      ),
    mode: z
      .enum(["convolutional", "classification"])
      .optional()
      .describe(
        "`convolutional`: padding throughout, so that images of any size give maps, as a hypercolumn needs them. `classification`: none where the classifier had none. The weights are the same.",
      ),
    side,
    crop: trainingCrop(
      "the shorter side becomes a random whole number from `side` to 1.7 times it",
    ),
  })
  .refine(...readOneWay);
