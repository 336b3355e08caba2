/**
 * From a stage's `crop` to the loader's. Pure.
 *
 * Recipes are the paper's: pretraining scales the shorter side to a whole number in [352, 600) and takes 352 (section 3);
 * classification scales by a factor in [0.5, 2] (section 4.2), segmentation not at all (section 4.3); a measurement takes the central square of an image whose
 * shorter side is 8/7 of it (256 to 224).
 */
import type { CropParams } from "../../spec/params/params-common.ts";
import type { Crop } from "../loader/loader.ts";

/** What a stage does with photographs whose `crop` says nothing of scales. */
export type CropRecipe =
  "pretraining" | "classification" | "segmentation" | "measuring";

const recipes: Readonly<Record<CropRecipe, (side: number) => Crop["scale"]>> = {
  pretraining: (side) => ({
    kind: "shorter-side",
    min: side,
    max: Math.ceil(1.7 * side),
  }),
  classification: () => ({ kind: "factor", min: 0.5, max: 2 }),
  segmentation: () => ({ kind: "none" }),
  measuring: (side) => shorterSide(Math.round((side * 8) / 7)),
};

export function toCrop(
  { side, scale, place }: CropParams,
  options: { readonly recipe: CropRecipe; readonly mirror: boolean },
): Crop {
  const { recipe, mirror } = options;
  return {
    side,
    scale: scale === undefined ? recipes[recipe](side) : toScale(scale),
    place,
    mirror,
  };
}

/** The same square without chance, for measuring: central, at the middle of the scales, not mirrored. */
export function toCentralCrop({ side, scale }: Crop): Crop {
  return { side, scale: middleOf(scale, side), place: "centre", mirror: false };
}

function toScale(scale: NonNullable<CropParams["scale"]>): Crop["scale"] {
  if (scale === "none") return { kind: "none" };
  if ("shorterSide" in scale) {
    if (typeof scale.shorterSide === "number")
      return shorterSide(scale.shorterSide);
    const [min, max] = scale.shorterSide;
    return { kind: "shorter-side", min, max };
  }
  if ("factor" in scale) {
    const [min, max] = scale.factor;
    return { kind: "factor", min, max };
  }
  const [min, max] = scale.area;
  return { kind: "area", min, max, ratio: scale.ratio };
}

function middleOf(scale: Crop["scale"], side: number): Crop["scale"] {
  switch (scale.kind) {
    case "none":
      return scale;
    case "shorter-side":
      return shorterSide(Math.round((scale.min + scale.max) / 2));
    case "factor": {
      const factor = Math.sqrt(scale.min * scale.max);
      return { kind: "factor", min: factor, max: factor };
    }
    case "area":
      return recipes.measuring(side);
    default:
      return scale satisfies never;
  }
}

function shorterSide(pixels: number): Crop["scale"] {
  return { kind: "shorter-side", min: pixels, max: pixels };
}
