/**
 * Hue and chroma as histograms: the targets of the proxy task (the paper, section 1.3), and a colour from predicted
 * histograms (section 1.8).
 *
 * A target counts the pixels of a window centred on a place. Every pixel inside the image casts one hard vote in each
 * histogram; pixels outside are dropped and the counts renormalised. A centre lies inside, so no window is empty.
 */
import { chromaBin, chromaByte, hueBin } from "./color.ts";
import type { Image } from "./image.ts";

export type HistogramShape = {
  /** Bins of each histogram, K. */
  readonly bins: number;
  /** Side of the square window in pixels, odd. */
  readonly window: number;
};

/** Adds the two histograms of one place into rows `row` of hue and chroma, each [rows, bins] and zero there before. */
export function writeHistograms(options: {
  readonly image: Image;
  readonly shape: HistogramShape;
  readonly y: number;
  readonly x: number;
  readonly hue: Float32Array;
  readonly chroma: Float32Array;
  readonly row: number;
}): void {
  const { image, shape, y, x, hue, chroma } = options;
  const { width, height, pixels } = image;
  const { bins } = shape;
  const start = options.row * bins;
  const radius = (shape.window - 1) / 2;
  const top = Math.max(0, y - radius);
  const bottom = Math.min(height - 1, y + radius);
  const left = Math.max(0, x - radius);
  const right = Math.min(width - 1, x + radius);
  const votes = (bottom - top + 1) * (right - left + 1);
  for (let row = top; row <= bottom; row++) {
    let at = (row * width + left) * 3;
    for (let column = left; column <= right; column++, at += 3) {
      const r = pixels[at] as number;
      const g = pixels[at + 1] as number;
      const b = pixels[at + 2] as number;
      const hueAt = start + hueBin(r, g, b, bins);
      const chromaAt = start + chromaBin(chromaByte(r, g, b), bins);
      hue[hueAt] = (hue[hueAt] as number) + 1;
      chroma[chromaAt] = (chroma[chromaAt] as number) + 1;
    }
  }
  // Counted first and divided then: whole numbers add up exactly in float32, fractions do not.
  for (let bin = start; bin < start + bins; bin++) {
    hue[bin] = (hue[bin] as number) / votes;
    chroma[bin] = (chroma[bin] as number) / votes;
  }
}

/** Histograms of N places of one image: two arrays [N, bins], each row summing to 1. */
export function toHistograms(
  image: Image,
  places: { readonly ys: Int32Array; readonly xs: Int32Array },
  shape: HistogramShape,
): { readonly hue: Float32Array; readonly chroma: Float32Array } {
  const hue = new Float32Array(places.ys.length * shape.bins);
  const chroma = new Float32Array(places.ys.length * shape.bins);
  for (let row = 0; row < places.ys.length; row++)
    writeHistograms({
      image,
      shape,
      y: places.ys[row] as number,
      x: places.xs[row] as number,
      hue,
      chroma,
      row,
    });
  return { hue, chroma };
}

/** Weight of the chroma term at a gray value in [0, 1]: 1 in the middle third, 0 at black and white (paper 1.4). */
export function lightnessWeight(gray: number): number {
  return 3 * Math.max(0, Math.min(1 / 3, gray, 1 - gray));
}

/**
 * Hue and chroma, both in [0, 1] and [N], of predicted distributions [N, bins] (paper 1.8): chroma is the centre of
 * the median bin; hue is the argument of the complex mean of the bin centres, z; where hue is undecided the chroma
 * fades by min(|z| / 0.03, 1), with the paper's factor 1/K in z.
 */
export function decodeHistograms(options: {
  readonly hue: Float32Array;
  readonly chroma: Float32Array;
  readonly bins: number;
}): { readonly hue: Float32Array; readonly chroma: Float32Array } {
  const { bins } = options;
  const count = options.hue.length / bins;
  const hue = new Float32Array(count);
  const chroma = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    const mean = circularMean(options.hue, row * bins, bins);
    hue[row] = mean.turns;
    chroma[row] =
      medianBin(options.chroma, row * bins, bins) *
      Math.min(mean.length / bins / 0.03, 1);
  }
  return { hue, chroma };
}

function circularMean(
  distribution: Float32Array,
  start: number,
  bins: number,
): { readonly turns: number; readonly length: number } {
  let real = 0;
  let imaginary = 0;
  for (let bin = 0; bin < bins; bin++) {
    const angle = (2 * Math.PI * (bin + 0.5)) / bins;
    const p = distribution[start + bin] as number;
    real += p * Math.cos(angle);
    imaginary += p * Math.sin(angle);
  }
  const turns = Math.atan2(imaginary, real) / (2 * Math.PI);
  return {
    turns: turns < 0 ? turns + 1 : turns,
    length: Math.hypot(real, imaginary),
  };
}

function medianBin(
  distribution: Float32Array,
  start: number,
  bins: number,
): number {
  let total = 0;
  for (let bin = 0; bin < bins; bin++)
    total += distribution[start + bin] as number;
  let below = 0;
  for (let bin = 0; bin < bins; bin++) {
    below += distribution[start + bin] as number;
    if (below >= total / 2) return (bin + 0.5) / bins;
  }
  return (bins - 0.5) / bins;
}
