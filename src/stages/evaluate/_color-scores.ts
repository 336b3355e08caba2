/**
 * How far colorized pictures are from the photographs. Pure.
 *
 * RMSE(αβ) is taken in the opponent axes α = B − (R + G) / 2 and β = R − G of sRGB in [0, 1], which are 0 for gray: the root of
 * the mean over pixels of Δα² + Δβ². PSNR is 10 · log10(1 / MSE) in dB, MSE over the pixels and channels of one picture in
 * [0, 1], averaged over pictures (the paper's reference numbers, section 1.8, are of these two kinds).
 */
import type { Image } from "../../data/pixels/image.ts";

export type ColorScores = {
  readonly rmse: number;
  readonly psnr: number;
};

export type ColorScorer = {
  add(predicted: Image, truth: Image): void;
  scores(): ColorScores;
};

/** A picture that equals its truth counts with half a gray level of error, so that the mean stays finite. */
const SMALLEST_MSE = (0.5 / 255) ** 2;

export function createColorScorer(): ColorScorer {
  let squares = 0;
  let pixels = 0;
  let decibels = 0;
  let pictures = 0;
  return {
    add(predicted, truth) {
      const count = truth.width * truth.height;
      const { opponent, rgb } = squaredErrors(predicted.pixels, truth.pixels);
      squares += opponent;
      pixels += count;
      decibels -= 10 * Math.log10(Math.max(rgb / (3 * count), SMALLEST_MSE));
      pictures += 1;
    },
    scores: () => ({
      rmse: Math.sqrt(squares / pixels),
      psnr: decibels / pictures,
    }),
  };
}

/** Sums over the pixels of two pictures of one size. */
function squaredErrors(
  a: Uint8Array,
  b: Uint8Array,
): { readonly opponent: number; readonly rgb: number } {
  let opponent = 0;
  let rgb = 0;
  for (let i = 0; i < a.length; i += 3) {
    const red = ((a[i] as number) - (b[i] as number)) / 255;
    const green = ((a[i + 1] as number) - (b[i + 1] as number)) / 255;
    const blue = ((a[i + 2] as number) - (b[i + 2] as number)) / 255;
    const alpha = blue - (red + green) / 2;
    const beta = red - green;
    opponent += alpha * alpha + beta * beta;
    rgb += red * red + green * green + blue * blue;
  }
  return { opponent, rgb };
}

/** The photograph without its colours: mean gray in all three channels. */
export function toGrayImage({ width, height, pixels }: Image): Image {
  const gray = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 3) {
    const sum =
      (pixels[i] as number) +
      (pixels[i + 1] as number) +
      (pixels[i + 2] as number);
    gray.fill(Math.round(sum / 3), i, i + 3);
  }
  return { width, height, pixels: gray };
}
