/** Parameters of `finetune` and `evaluate`. */
import { z } from "zod";
import {
  batchOf,
  compute,
  learningRateSchedule,
  measuringCrop,
  moveOneWay,
  readOneWay,
  side,
  statistics,
  trainingCrop,
} from "./params-common.ts";
import { task } from "./params-tasks.ts";
import { count } from "./units.ts";

const fixed = z.strictObject({
  kind: z.literal("fixed"),
  steps: count.describe("Length of the run."),
  schedule: learningRateSchedule.prefault({ kind: "cosine" }),
});

const earlyStop = z
  .strictObject({
    kind: z.literal("early-stop"),
    validation: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.1)
      .describe("Fraction of the images held out to decide when to stop."),
    every: count
      .default(20)
      .describe("Steps between two scores on the held-out part."),
    patience: z
      .int()
      .min(1)
      .default(2)
      .describe("Scores without improvement that end a stage of the schedule."),
    drops: z
      .int()
      .min(0)
      .default(2)
      .describe("Learning-rate drops before the next plateau ends the run."),
    factor: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.1)
      .describe("What a drop multiplies the learning rate by."),
    maxSteps: count.default(10_000).describe("Never train longer than this."),
    retrain: z
      .boolean()
      .default(true)
      .describe("Train again on all images with the schedule that was found."),
  })
  .describe(
    "The paper's protocol (section 4.1): drop the rate at each plateau of a held-out score, then stop.",
  );

/** In pixels, where neither `shift` nor `crop` is given: that of the common CIFAR recipe. */
export const STANDARD_SHIFT = 4;

export const finetuneParams = z
  .strictObject({
    task: task.prefault("few-label"),
    labels: z
      .union([z.int().positive(), z.literal("all")])
      .optional()
      .describe(
        "few-label: labelled images per class, drawn by the seed, the same for every arm of that seed. Other tasks take all images.",
      ),
    input: z
      .enum(["gray", "rgb"])
      .optional()
      .describe(
        "What the network is shown: mean gray, which a network for colour gets in each channel, or colours, which only such a network takes; gray.",
      ),
    weightsAt: count
      .optional()
      .describe(
        "Start from the weights that pretraining published at this step, not from its last ones.",
      ),
    trainFrom: z
      .string()
      .default("all")
      .describe(
        "The first layer of the encoder that is trained: those before it stay as they are. `all`, `none`, or a layer's name; what stands above the encoder is always trained.",
      ),
    protocol: z.discriminatedUnion("kind", [fixed, earlyStop]),
    batchNorm: z
      .enum(["fold", "keep"])
      .default("fold")
      .describe(
        "Fold the measured statistics into the weights, or keep batch norm while training.",
      ),
    batch: batchOf(50).describe("Images per step."),
    optimizer: z
      .strictObject({
        learningRate: z.number().positive().default(0.03),
        headLearningRate: z
          .number()
          .positive()
          .optional()
          .describe(
            "Of what is new above the encoder; as the rest if not given.",
          ),
        momentum: z.number().min(0).lt(1).default(0.9),
        weightDecay: z.number().min(0).default(5e-4).describe("On everything."),
        clipNorm: z
          .number()
          .positive()
          .optional()
          .describe("Largest global norm of a gradient."),
      })
      .prefault({}),
    mirror: z.boolean().default(true),
    shift: z
      .int()
      .min(0)
      .optional()
      .describe(
        `Random shift in pixels, zero-padded; ${STANDARD_SHIFT} without \`crop\`. A crop moves the image itself and takes no shift.`,
      ),
    side,
    crop: trainingCrop(
      "a random factor from 0.5 to 2, the paper's for VOC classification; for segmentation no scaling",
    ),
    statistics,
    compute: compute.optional(),
  })
  .refine(...readOneWay)
  .refine(...moveOneWay)
  .refine(
    ({ task: { kind }, labels }) =>
      (kind === "few-label") === (labels !== undefined),
    {
      message:
        "few-label needs the labels per class; other tasks take all images and no labels",
      path: ["labels"],
    },
  )
  .refine(
    ({ task: { kind }, crop }) => kind !== "segmentation" || crop !== undefined,
    {
      message: "segmentation trains on crops: give crop: { side: … }",
      path: ["crop"],
    },
  );

/** What `evaluate` can measure; `stages/evaluate.ts` has one function for each. */
export const EVALUATION_TASKS = [
  "classification",
  "multi-label",
  "segmentation",
  "colorization",
] as const;

export const evaluateParams = z
  .strictObject({
    task: z
      .enum(EVALUATION_TASKS)
      .default("classification")
      .describe(
        "What the model does: name the class of an image, or each class that it shows, or that of each pixel, or colour gray images.",
      ),
    batch: batchOf(250).describe("Images at once."),
    side,
    crop: measuringCrop,
    limit: count
      .optional()
      .describe("Take only the first images of the dataset's own order."),
    pictures: z
      .int()
      .min(0)
      .max(64)
      .default(16)
      .describe(
        "Colorization and segmentation: how many pictures to keep for the report.",
      ),
  })
  .refine(...readOneWay)
  .refine(({ task, side }) => task !== "segmentation" || side === undefined, {
    message:
      "segmentation measures whole images where crop is not given, and takes no side",
    path: ["side"],
  });
