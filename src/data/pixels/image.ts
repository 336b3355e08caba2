/**
 * A decoded photograph: 8-bit sRGB as stored in the file, interleaved (HWC), no alpha.
 * Values are used as they are: no gamma is undone and no colour profile is applied (paper 1.1).
 */

export type Image = {
  readonly width: number;
  readonly height: number;
  /** `height * width * 3` bytes, R G B. May be a view of a larger buffer: do not write. */
  readonly pixels: Uint8Array;
};

/** Sum of max − min over the pixels, divided by their number and by 255: the mean chroma of one image (paper 1.2). */
export function meanChromaOf(image: Image): number {
  const { pixels } = image;
  let sum = 0;
  for (let at = 0; at < pixels.length; at += 3) {
    const r = pixels[at] as number;
    const g = pixels[at + 1] as number;
    const b = pixels[at + 2] as number;
    sum += Math.max(r, g, b) - Math.min(r, g, b);
  }
  return sum / (pixels.length / 3) / 255;
}
