/**
 * The colour spaces of the proxy task (the paper, sections 1.1, 1.2 and 1.8): mean gray as the input, hue and bicone
 * chroma as the target, and the way back to a picture.
 *
 * Everything works on interleaved 8-bit sRGB and typed arrays. Bins are computed in integers: a bin edge k/K is hit
 * exactly, whatever K is, and the same pixel falls into the same bin on every machine.
 * Lab is in `lab.ts`; votes of a window are in `histograms.ts`.
 */

/** Subtracted from gray values; mean gray of photographs, 114.44 / 255 (paper 1.1). Nothing is divided. */
export const GRAY_MEAN = 0.4488;

/** (R + G + B) / 765 − GRAY_MEAN for every possible sum of three bytes. */
const CENTRED = Float32Array.from(
  { length: 766 },
  (_, sum) => sum / 765 - GRAY_MEAN,
);

/** The centred mean gray of pixels [H·W·3] into `out` [H·W] from `offset` on: the network's input (paper 1.1). */
export function writeGray(
  pixels: Uint8Array,
  out: Float32Array,
  offset: number,
): void {
  for (let from = 0, to = offset; from < pixels.length; from += 3, to++) {
    const sum =
      (pixels[from] as number) +
      (pixels[from + 1] as number) +
      (pixels[from + 2] as number);
    out[to] = CENTRED[sum] as number;
  }
}

/** What a network is shown of a pixel: its mean gray, or its three colours. */
export type NetworkInput = "gray" | "rgb";

/** How pixels become each kind of input, and how many numbers each has. */
export const networkInputs: Readonly<
  Record<
    NetworkInput,
    { readonly channels: 1 | 3; readonly write: typeof writeGray }
  >
> = {
  gray: { channels: 1, write: writeGray },
  rgb: { channels: 3, write: writeColors },
};

/** Colours of pixels [H·W·3], each centred like gray, into `out` [H·W·3] from `offset` on (paper 2.7: equal channel means). */
function writeColors(
  pixels: Uint8Array,
  out: Float32Array,
  offset: number,
): void {
  for (let i = 0; i < pixels.length; i++)
    out[offset + i] = (pixels[i] as number) / 255 - GRAY_MEAN;
}

/** The centred mean gray of pixels [H·W·3] as [H·W]. */
export function toGray(pixels: Uint8Array): Float32Array {
  const gray = new Float32Array(pixels.length / 3);
  writeGray(pixels, gray, 0);
  return gray;
}

/** Hue as `numerator / (6 · chroma)` turns, both in bytes, so that bins can be exact. Ties resolve R, G, B. */
function hueNumerator(r: number, g: number, b: number, chroma: number): number {
  const max = Math.max(r, g, b);
  if (max === r) return g >= b ? g - b : 6 * chroma + (g - b);
  if (max === g) return 2 * chroma + (b - r);
  return 4 * chroma + (r - g);
}

/** Chroma of a pixel in bytes, 0…255: max − min. */
export function chromaByte(r: number, g: number, b: number): number {
  return Math.max(r, g, b) - Math.min(r, g, b);
}

/** Hue of a pixel in turns, [0, 1); 0 for gray (paper 1.2). */
export function hueOf(r: number, g: number, b: number): number {
  const chroma = chromaByte(r, g, b);
  return chroma === 0 ? 0 : hueNumerator(r, g, b, chroma) / (6 * chroma);
}

/** min(bins − 1, floor(bins · hue)); 0 for gray (paper 1.3). */
export function hueBin(r: number, g: number, b: number, bins: number): number {
  const chroma = chromaByte(r, g, b);
  if (chroma === 0) return 0;
  return Math.floor((bins * hueNumerator(r, g, b, chroma)) / (6 * chroma));
}

/** min(bins − 1, floor(bins · chroma)) of a chroma in bytes (paper 1.3). */
export function chromaBin(chroma: number, bins: number): number {
  return Math.min(bins - 1, Math.floor((bins * chroma) / 255));
}

/** Hue and chroma, both in [0, 1], of pixels [H·W·3]; each [H·W]. */
export function toHueChroma(pixels: Uint8Array): {
  readonly hue: Float32Array;
  readonly chroma: Float32Array;
} {
  const hue = new Float32Array(pixels.length / 3);
  const chroma = new Float32Array(pixels.length / 3);
  for (let from = 0, to = 0; from < pixels.length; from += 3, to++) {
    const r = pixels[from] as number;
    const g = pixels[from + 1] as number;
    const b = pixels[from + 2] as number;
    hue[to] = hueOf(r, g, b);
    chroma[to] = chromaByte(r, g, b) / 255;
  }
  return { hue, chroma };
}

/** One channel of the fully saturated colour of a hue, in [0, 1]; `phase` is 5 for R, 3 for G, 1 for B. */
function pureChannel(hue: number, phase: number): number {
  const k = (phase + hue * 6) % 6;
  return 1 - Math.max(0, Math.min(k, 4 - k, 1));
}

/**
 * Pixels [H·W·3] of hue and chroma with a given (not centred) mean gray, each [H·W] in [0, 1].
 *
 * The paper builds V = g + C/2 and S = C/V, converts HSV to RGB and then adds `g − mean(RGB)` to all three channels
 * (1.2). The correction undoes any constant, so adding it to `C · pure(hue)` is the same picture; last comes the clip.
 */
export function fromHueChroma(options: {
  readonly hue: Float32Array;
  readonly chroma: Float32Array;
  readonly gray: Float32Array;
}): Uint8Array {
  const { hue, chroma, gray } = options;
  const pixels = new Uint8Array(gray.length * 3);
  for (let i = 0; i < gray.length; i++) {
    const h = hue[i] as number;
    const c = chroma[i] as number;
    const r = c * pureChannel(h, 5);
    const g = c * pureChannel(h, 3);
    const b = c * pureChannel(h, 1);
    const lift = (gray[i] as number) - (r + g + b) / 3;
    pixels[3 * i] = toByte(r + lift);
    pixels[3 * i + 1] = toByte(g + lift);
    pixels[3 * i + 2] = toByte(b + lift);
  }
  return pixels;
}

/** A value in [0, 1] as a byte, rounded and clipped. */
export function toByte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value * 255)));
}
