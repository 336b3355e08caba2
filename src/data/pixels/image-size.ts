/** Batches are rectangular: all images of a batch have one size. */
import { UserError } from "../../base/errors.ts";
import type { Dataset } from "../dataset.ts";

export type ImageSize = { readonly width: number; readonly height: number };

/** The size that all given samples share. @throws UserError `data.mixed-sizes` when they do not. */
export function commonSize(
  dataset: Pick<Dataset, "size" | "image" | "sampleName">,
  samples: Iterable<number> = Array.from({ length: dataset.size }).keys(),
): ImageSize {
  let size: ImageSize | null = null;
  for (const sample of samples) {
    const { width, height } = dataset.image(sample);
    size ??= { width, height };
    if (size.width !== width || size.height !== height)
      throw new UserError({
        code: "data.mixed-sizes",
        message: `expected images of one size; sample ${dataset.sampleName(sample)} is ${width} × ${height} pixels, the first is ${size.width} × ${size.height}`,
        hint: "give the stage a `crop` (squares out of photographs of any size) or a `side` (all scaled to one)",
      });
  }
  if (!size) throw new RangeError("no samples to take the size of");
  return size;
}
