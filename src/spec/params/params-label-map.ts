/** Parameters of `label-map`: what an encoder is told that images are (paper, section 5). */
import { z } from "zod";

const drawn = {
  perClass: z
    .union([z.int().positive(), z.literal("all")])
    .default("all")
    .describe("Images of each class to train on, drawn by the seed."),
  noise: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe(
      "Share of these images whose label is replaced by a random other one, once, by the seed.",
    ),
};

const buckets = z.int().min(2).max(100_000).describe("How many labels.");

const map = z.discriminatedUnion("kind", [
  z
    .strictObject({ kind: z.literal("classes"), ...drawn })
    .describe("Every class is a label."),
  z
    .strictObject({ kind: z.literal("random"), buckets, ...drawn })
    .describe("The classes are shuffled by the seed and dealt to the labels."),
  z
    .strictObject({
      kind: z.literal("hierarchy"),
      buckets,
      smallest: z
        .number()
        .min(0)
        .lt(0.5)
        .default(0)
        .describe(
          "Share of all images that a label has at least, where the classes allow it; with 0, two labels of ImageNet are 997 classes and 3.",
        ),
      synsets: z
        .record(
          z.string(),
          z.string().regex(/^n\d{8}$/, "expected an id such as n02084071"),
        )
        .default({})
        .describe(
          "Synsets of classes that are named neither by one nor as in CIFAR-10.",
        ),
      ...drawn,
    })
    .describe("WordNet's hierarchy is cut where it holds most images."),
]);

export type LabelMapSettings = z.output<typeof map>;

export const labelMapParams = z.strictObject({ map });
