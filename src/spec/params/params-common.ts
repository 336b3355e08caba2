/** Parameter groups that several stage kinds share. Units are the user's; one place converts them (`units.ts`). */
import { z } from "zod";
import { count } from "./units.ts";

/** Networks by name; `model/networks.ts` has one entry for each. */
export const MODELS = ["conv6"] as const;
export type ModelName = (typeof MODELS)[number];

export const model = z.enum(MODELS).describe("The encoder network.");

/** Networks read images of one size; a dataset of several needs this. */
export const side = z
  .int()
  .min(8)
  .max(4096)
  .optional()
  .describe(
    "Scale the shorter side of every image to this many pixels and take the central square; without it images are taken as they are.",
  );

export const statistics = z
  .strictObject({
    images: count
      .default(1000)
      .describe(
        "Unlabeled images in the one pass that measures batch-norm means and variances.",
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
