/**
 * CIE Lab with the constants of the authors' layer (the paper, section 1.5), for the regression variant of the proxy
 * task: a and b of single pixels as targets, and a picture from predicted a, b and the gray input.
 */
import type { Image } from "./image.ts";
import { toByte } from "./color.ts";

/** Targets of the regression are (a, b) / LAB_SCALE: 25 is the σ that the authors used for their Lab bins. */
export const LAB_SCALE = 25;

const WHITE_X = 0.95047;
const WHITE_Z = 1.08883;
const LINEAR = Float64Array.from({ length: 256 }, (_, byte) => {
  const value = byte / 255;
  return value > 0.04045 ? ((value + 0.055) / 1.055) ** 2.4 : value / 12.92;
});

function compress(t: number): number {
  return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
}

function expand(f: number): number {
  const t = f * f * f;
  return t > 0.008856 ? t : (f - 16 / 116) / 7.787;
}

/** Lab of one pixel given in bytes: L in [0, 100], a and b about [−110, 110]. */
export function labOf(
  red: number,
  green: number,
  blue: number,
): readonly [L: number, a: number, b: number] {
  const r = LINEAR[red] as number;
  const g = LINEAR[green] as number;
  const b = LINEAR[blue] as number;
  const fx = compress((0.412453 * r + 0.35758 * g + 0.180423 * b) / WHITE_X);
  const fy = compress(0.212671 * r + 0.71516 * g + 0.072169 * b);
  const fz = compress((0.019334 * r + 0.119193 * g + 0.950227 * b) / WHITE_Z);
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

/** Lab of pixels [H·W·3], in their order. */
export function toLab(pixels: Uint8Array): Float32Array {
  const lab = new Float32Array(pixels.length);
  for (let at = 0; at < pixels.length; at += 3) {
    const [L, a, b] = labOf(
      pixels[at] as number,
      pixels[at + 1] as number,
      pixels[at + 2] as number,
    );
    lab[at] = L;
    lab[at + 1] = a;
    lab[at + 2] = b;
  }
  return lab;
}

function encode(linear: number): number {
  return linear > 0.0031308
    ? 1.055 * linear ** (1 / 2.4) - 0.055
    : 12.92 * linear;
}

/** sRGB of a Lab colour, not clipped: each channel in [0, 1] if the colour can be shown. */
export function labToRgb(
  L: number,
  a: number,
  b: number,
): readonly [r: number, g: number, b: number] {
  const fy = (L + 16) / 116;
  const x = WHITE_X * expand(fy + a / 500);
  const y = expand(fy);
  const z = WHITE_Z * expand(fy - b / 200);
  return [
    encode(3.240479 * x - 1.53715 * y - 0.498535 * z),
    encode(-0.969256 * x + 1.875992 * y + 0.041556 * z),
    encode(0.055648 * x - 0.204043 * y + 1.057311 * z),
  ];
}

/**
 * Pixels [H·W·3] from predicted `ab` [H·W·2] (not scaled) and a (not centred) mean gray [H·W] in [0, 1].
 * L is that of the gray pixel; the same lightness correction as for hue and chroma then brings the mean back to the
 * gray that was seen (paper 1.2).
 */
export function fromGrayAb(options: {
  readonly gray: Float32Array;
  readonly ab: Float32Array;
}): Uint8Array {
  const { gray, ab } = options;
  const pixels = new Uint8Array(gray.length * 3);
  for (let i = 0; i < gray.length; i++) {
    const g = gray[i] as number;
    const byte = toByte(g);
    const [L] = labOf(byte, byte, byte);
    const rgb = labToRgb(L, ab[2 * i] as number, ab[2 * i + 1] as number).map(
      (channel) => Math.max(0, Math.min(1, channel)),
    ) as [number, number, number];
    const lift = g - (rgb[0] + rgb[1] + rgb[2]) / 3;
    for (const [channel, value] of rgb.entries())
      pixels[3 * i + channel] = toByte(value + lift);
  }
  return pixels;
}

/** The regression target of one pixel of an image: (a, b) / LAB_SCALE into `out` at `offset` (paper 1.5). */
export function writeAbTarget(options: {
  readonly image: Image;
  readonly y: number;
  readonly x: number;
  readonly out: Float32Array;
  readonly offset: number;
}): void {
  const { image, y, x, out, offset } = options;
  const at = (y * image.width + x) * 3;
  const [, a, b] = labOf(
    image.pixels[at] as number,
    image.pixels[at + 1] as number,
    image.pixels[at + 2] as number,
  );
  out[offset] = a / LAB_SCALE;
  out[offset + 1] = b / LAB_SCALE;
}
