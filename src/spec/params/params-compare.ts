/** Parameters of `compare`: two models on the same images. */
import { z } from "zod";
import { batchOf, measuringCrop, readOneWay, side } from "./params-common.ts";
import { count } from "./units.ts";

export const compareParams = z
  .strictObject({
    layers: z
      .union([z.string(), z.array(z.string()).min(1)])
      .optional()
      .describe(
        "A layer of the encoder, or several; without it all that a hypercolumn reads.",
      ),
    images: count
      .default(500)
      .describe("So many images of the dataset's own order."),
    batch: batchOf(50).describe("Images at once, at most."),
    side,
    crop: measuringCrop,
  })
  .refine(...readOneWay);
