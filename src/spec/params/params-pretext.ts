/** Parameters of `pretrain`: encoders before they meet a task. Defaults are those of the paper. */
import { z } from "zod";
import {
  batchOf,
  compute,
  learningRateSchedule,
  readOneWay,
  sampledPlaces,
  side,
  trainingCrop,
  trainingStatistics,
} from "./params-common.ts";
import { model } from "./params-model.ts";
import { count } from "./units.ts";

const crop = trainingCrop(
  "the shorter side becomes a random whole number from `side` to 1.7 times it, as the paper's 352 to 599",
);

/** What an encoder can be pretrained on, by name; `model/objectives.ts` has one entry for each. */
export const OBJECTIVES = ["colorize", "classify"] as const;
export type ObjectiveKind = (typeof OBJECTIVES)[number];

const colorize = z.strictObject({
  kind: z.literal("colorize"),
  target: z
    .enum(["hue-chroma", "lab-regression"])
    .default("hue-chroma")
    .describe(
      "Histograms of hue and chroma (paper 1.3), or regression of Lab a and b (paper 1.5).",
    ),
  hypercolumn: z
    .boolean()
    .default(true)
    .describe(
      "Read every layer at each sampled place, or the last layer only.",
    ),
  bins: z.int().min(2).max(256).default(32).describe("Bins of each histogram."),
  window: z
    .int()
    .min(1)
    .max(31)
    .default(7)
    .describe("Side of the window of votes, in pixels; odd."),
  ...sampledPlaces,
  hidden: z
    .int()
    .min(1)
    .default(1024)
    .describe("Units of the hidden layer above the hypercolumn."),
  dropout: z.number().min(0).lt(1).default(0.5),
  hueWeight: z
    .union([z.literal("auto"), z.number().positive()])
    .default(5)
    .describe(
      "Weight of the hue term; `auto` is 1 / mean chroma of the dataset.",
    ),
  lightnessWeight: z
    .boolean()
    .default(true)
    .describe("Weigh the chroma term down for pixels near black and white."),
});

/** Settings of the colorization objective after defaults. */
export type ColorizeSettings = z.output<typeof colorize>;

const classify = z
  .strictObject({
    kind: z.literal("classify"),
    hypercolumn: z
      .boolean()
      .default(false)
      .describe("Read the mean of every layer, or of the last layer only."),
    dropout: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe("On what the classifier reads, beside that of the network."),
  })
  .describe(
    "Supervised classification by the labels of the dataset, or of the input `labels` (paper 5).",
  );

/** Settings of the classification objective after defaults. */
export type ClassifySettings = z.output<typeof classify>;

export const objective = z.discriminatedUnion("kind", [colorize, classify]);

/** What a pipeline says of an objective of one kind, after defaults. */
export type ObjectiveParams<K extends ObjectiveKind = ObjectiveKind> = Extract<
  z.output<typeof objective>,
  { kind: K }
>;

export const pretrainParams = z
  .strictObject({
    model,
    objective,
    steps: count.optional().describe("Length of the run in steps."),
    epochs: z
      .number()
      .positive()
      .optional()
      .describe("Length of the run in passes over the dataset."),
    keepHead: z
      .boolean()
      .optional()
      .describe(
        "Start from the head among the input `weights` too, such as the classifier of an imported network: its outputs must mean the same, in the same order. Without it the head is new.",
      ),
    publish: z
      .array(count)
      .optional()
      .describe(
        "Steps whose weights become part of the result too, besides the last one's; `finetune` takes them by `weightsAt`.",
      ),
    batch: batchOf(8).describe("Images per step."),
    optimizer: z
      .strictObject({
        learningRate: z.number().positive().default(1e-3),
        momentum: z.number().min(0).lt(1).default(0.9),
        weightDecay: z
          .number()
          .min(0)
          .default(5e-4)
          .describe("On weights; biases have none."),
        biasRate: z
          .number()
          .positive()
          .default(2)
          .describe("Learning-rate multiplier of biases."),
        schedule: learningRateSchedule.prefault({ kind: "steps" }),
      })
      .prefault({}),
    mirror: z.boolean().default(true).describe("Mirror images at random."),
    side,
    crop,
    statistics: trainingStatistics,
    compute: compute.optional(),
  })
  .refine(
    (params) => (params.steps === undefined) !== (params.epochs === undefined),
    {
      message: "give the length of the run as either steps or epochs",
      path: ["steps"],
    },
  )
  .refine(...readOneWay);
