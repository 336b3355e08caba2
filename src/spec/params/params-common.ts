/** Parameter groups that several stage kinds share. Units are the user's; one place converts them (`units.ts`). */
import { z } from "zod";
import { count } from "./units.ts";

/** More images at once than this and their numbers no longer fit into one constant of a compiled step. */
const LARGEST_BATCH = 65_536;

/** How many images are computed at once. */
export const batchOf = (usual: number) =>
  z
    .int()
    .min(1)
    .max(LARGEST_BATCH, `expected at most ${LARGEST_BATCH} images at once`)
    .default(usual);

/** Networks read images of one size; a dataset of several needs this. */
export const side = z
  .int()
  .min(8)
  .max(4096)
  .optional()
  .describe(
    "Scale the shorter side of every image to this many pixels and take the central square; without it images are taken as they are.",
  );

const cropSide = z
  .int()
  .min(8)
  .max(4096)
  .describe("Side of the square that the network reads, in pixels.");
/** From the smaller to the larger. */
const rangeOf = (number: z.ZodNumber) =>
  z
    .tuple([number, number])
    .refine(([min, max]) => min <= max, "give the smaller number first");
const pixels = z.int().min(8).max(16_384);

const cropScale = z.union([
  z.literal("none").describe("Take the square out of the image as it is."),
  z
    .strictObject({
      shorterSide: z.union([pixels, rangeOf(pixels)]),
    })
    .describe(
      "Scale the shorter side to this many pixels, or to a random whole number in a range: `[352, 599]`.",
    ),
  z
    .strictObject({ factor: rangeOf(z.number().positive().max(16)) })
    .describe("Scale by a random factor in a range: `[0.5, 2]`."),
  z
    .strictObject({
      area: rangeOf(z.number().gt(0).max(1)),
      ratio: z
        .number()
        .min(1)
        .max(10)
        .default(4 / 3)
        .describe("The largest ratio of the sides of the rectangle."),
    })
    .describe(
      "Take a rectangle with a random share of the area and stretch it to the square.",
    ),
]);

/** The squares that a training stage takes out of photographs. */
export const trainingCrop = (recipe: string) =>
  z
    .strictObject({
      side: cropSide,
      scale: cropScale
        .optional()
        .describe(`What comes before the crop. Without it: ${recipe}.`),
      place: z
        .enum(["random", "centre"])
        .default("random")
        .describe("Where the square is taken."),
    })
    .optional()
    .describe(
      "Take squares out of photographs of any size, read from the store while training; without it all images are decoded into memory first. Smaller photographs are padded with gray.",
    );

/** The squares that are measured. */
export const measuringCrop = z
  .strictObject({
    side: cropSide,
    scale: cropScale
      .optional()
      .describe(
        "What comes before the crop. Without it: the shorter side becomes 8/7 of `side`, as 256 is to 224.",
      ),
    place: z
      .enum(["random", "centre"])
      .default("centre")
      .describe("Where the square is taken."),
    mirror: z.boolean().default(false).describe("Mirror at random."),
    views: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe(
        "Squares of each photograph, whose outputs are averaged; the paper takes 10 random ones.",
      ),
  })
  .optional()
  .describe(
    "Take squares out of photographs of any size, read from the store while measuring.",
  );

/** For `refine`: a crop says of images all that `other` would say. */
const notWithCrop = <K extends string>(other: K) =>
  [
    (params: { readonly [name in K | "crop"]?: unknown }) =>
      params[other] === undefined || params.crop === undefined,
    {
      message: `give either ${other} or crop, not both`,
      path: ["crop"] as PropertyKey[],
    },
  ] as const;

/** Images are scaled as a whole, or cropped. */
export const readOneWay = notWithCrop("side");
/** Images are shifted, or cropped at random places. */
export const moveOneWay = notWithCrop("shift");

/** Either kind of crop as a stage reads it. */
export type CropParams = {
  readonly side: number;
  readonly scale?: z.output<typeof cropScale> | undefined;
  readonly place: "random" | "centre";
};

export const statistics = z
  .strictObject({
    images: count
      .default(1000)
      .describe(
        "Unlabeled images in the one pass that measures batch-norm means and variances.",
      ),
  })
  .prefault({});

/** Of a training from scratch: measured at its end, or kept along the way. */
export const trainingStatistics = statistics
  .unwrap()
  .extend({
    running: z
      .strictObject({
        decay: z
          .number()
          .min(0)
          .lt(1)
          .default(0.999)
          .describe("What of an average stays at each step."),
        ramp: count
          .default(1000)
          .describe("Steps in which the decay rises linearly from 0."),
      })
      .optional()
      .describe(
        "Keep running averages of the batches' own statistics while training, instead of measuring them at the end.",
      ),
  })
  .prefault({});

export const learningRateSchedule = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("cosine"),
    warmup: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.05)
      .describe("Linear warm-up, as a fraction of the run."),
  }),
  z.strictObject({
    kind: z.literal("steps"),
    at: z
      .array(z.number().gt(0).lt(1))
      .default([0.5, 0.75, 0.875])
      .describe("Where the rate drops, as fractions of the run."),
    factor: z.number().gt(0).lt(1).default(0.1),
    warmup: z.number().min(0).max(0.5).default(0),
  }),
  z.strictObject({ kind: z.literal("constant") }),
]);

/** How a training step is computed; left out, in float32 and as fast as memory allows. */
export const compute = z
  .strictObject({
    precision: z
      .enum(["float32", "bfloat16", "float16"])
      .default("float32")
      .describe(
        "Of convolutions and matrix products, and of the maps kept for the backward pass; weights, statistics and losses stay float32. float16 scales the loss.",
      ),
    recompute: z
      .boolean()
      .default(false)
      .describe(
        "Keep only the ends of layers for the backward pass and compute the rest again: less memory, a second forward pass.",
      ),
    xla: z
      .boolean()
      .default(false)
      .describe("Compile the step with XLA; without a GPU it changes nothing."),
  })
  .describe("How a step is computed.");
export type ComputeParams = z.output<typeof compute>;

/** Where losses on places of an image sample them (paper, section 1.6). */
export const sampledPlaces = {
  locations: z
    .int()
    .min(1)
    .max(4096)
    .default(128)
    .describe("Sampled places per image."),
  border: z
    .int()
    .min(0)
    .default(32)
    .describe(
      "No place is sampled closer to the edge of what a step sees than this, in pixels.",
    ),
};
