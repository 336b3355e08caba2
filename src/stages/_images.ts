/**
 * The images that a stage reads: in memory, or by the loader where the stage declares a crop.
 */
import {
  toCentralCrop,
  toCrop,
  type CropRecipe,
} from "../data/images/crops.ts";
import type { ImageSet } from "../data/images/image-set.ts";
import { createMemoryImages } from "../data/images/memory-images.ts";
import { findDatasetFiles } from "../data/dataset-files.ts";
import { openDataset } from "../data/dataset.ts";
import type { CropParams } from "../spec/params/params-common.ts";
import { inputOf } from "./_context.ts";
import type { StageContext } from "./stage.ts";

export type StageImages = {
  readonly side?: number | undefined;
  readonly crop?: (CropParams & { readonly views?: number }) | undefined;
  /** Read only the first samples. */
  readonly limit?: number | undefined;
  readonly mirror?: boolean;
  readonly recipe: CropRecipe;
  /** Masks too: of cropped images alone. */
  readonly withMasks?: boolean;
};

/**
 * The dataset of the input `data`.
 * @throws UserError `data.mixed-sizes` where images of several sizes have neither side nor crop; what `openDataset` throws.
 */
export async function openStageImages(
  context: Pick<
    StageContext,
    "inputs" | "store" | "loader" | "seed" | "signal"
  >,
  { side, crop, limit, mirror = false, recipe, withMasks }: StageImages,
): Promise<ImageSet> {
  const { store, seed, signal } = context;
  const { manifest } = inputOf(context, "data");
  if (!crop)
    return createMemoryImages(
      await openDataset(store, manifest, { limit, side }),
    );
  // Late: who reads images from memory needs neither threads nor their decoder.
  const { openLoadedImages } = await import("../data/images/loaded-images.ts");
  const own = toCrop(crop, { recipe, mirror });
  return openLoadedImages(store, manifest, {
    ...context.loader,
    limit,
    seed,
    signal,
    training: own,
    measuring: recipe === "measuring" ? own : toCentralCrop(own),
    views: crop.views ?? 1,
    withMasks,
  });
}

/**
 * A crop that holds every image of the input `data` whole, unscaled, padded on all sides alike: its side is a multiple of
 * `multiple`, the total stride of a network (paper, section 8, A19).
 */
export async function wholeImages(
  context: Pick<StageContext, "inputs" | "store">,
  multiple: number,
): Promise<CropParams> {
  const { manifest } = inputOf(context, "data");
  const { catalog } = await findDatasetFiles(context.store, manifest);
  const longest = Math.max(catalog.width.max, catalog.height.max);
  const side = Math.ceil(longest / multiple) * multiple;
  return { side, scale: "none", place: "centre" };
}
