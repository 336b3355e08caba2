/**
 * What `finetune` can train for, by name: one schema of settings for each task. `train/tasks.ts` has the same entries.
 * A name alone stands for its settings' defaults, which are the paper's.
 */
import { z } from "zod";
import { sampledPlaces } from "./params-common.ts";

export const DOWNSTREAM_TASKS = [
  "few-label",
  "multi-label",
  "segmentation",
] as const;
export type DownstreamTaskKind = (typeof DOWNSTREAM_TASKS)[number];

const hypercolumn = (usual: boolean) =>
  z
    .boolean()
    .default(usual)
    .describe(
      "The linear layer reads the mean over space of every layer, or of the last layer only.",
    );

export const fewLabelTask = z
  .strictObject({
    kind: z.literal("few-label"),
    hypercolumn: hypercolumn(true),
    score: z
      .enum(["accuracy", "top5"])
      .optional()
      .describe(
        "What of held-out images decides when training stops: how many have their class first, or, of many classes, among the first five (paper 4.4); accuracy.",
      ),
  })
  .describe("One class an image, from a few labels of each class.");

export const multiLabelTask = z
  .strictObject({
    kind: z.literal("multi-label"),
    hypercolumn: hypercolumn(false),
  })
  .describe(
    "Several classes an image, each decided on its own; classes that are hard to see do not count (paper 4.2).",
  );

export const segmentationTask = z
  .strictObject({
    kind: z.literal("segmentation"),
    ...sampledPlaces,
    hidden: z
      .int()
      .min(1)
      .default(1024)
      .describe("Units of the hidden layer above the hypercolumn."),
    dropout: z.number().min(0).lt(1).default(0.5),
    hiddenInit: z
      .union([z.literal("xavier"), z.number().positive()])
      .default(1e-4)
      .describe(
        "First weights of the hidden layer: the standard deviation of a normal distribution, or `xavier`.",
      ),
    fieldOfView: z
      .strictObject({
        blocks: z.int().min(0).max(4).default(2),
        width: z.int().min(1).default(1024),
      })
      .prefault({})
      .describe(
        "Blocks on top of the encoder that widen what it sees, with new weights, and their width (paper 2.4); they are always trained.",
      ),
    scoreStride: z
      .int()
      .min(1)
      .max(32)
      .default(4)
      .describe(
        "Whole pictures are classified at a grid of this stride, in pixels, and enlarged.",
      ),
  })
  .describe("A class for every pixel, from masks (paper 4.3).");

const settings = z.discriminatedUnion("kind", [
  fewLabelTask,
  multiLabelTask,
  segmentationTask,
]);

export const task = z
  .union([
    z
      .enum(DOWNSTREAM_TASKS)
      .transform((kind): TaskSettings => settings.parse({ kind })),
    settings,
  ])
  .describe("What is trained for: a task's name, or its settings.");

/** Settings of a task after defaults. */
export type TaskSettings = z.output<typeof settings>;
/** Settings of one task. */
export type SettingsOf<K extends DownstreamTaskKind> = Extract<
  TaskSettings,
  { kind: K }
>;
