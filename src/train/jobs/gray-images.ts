/** Batches of centred gray images outside the graph, as networks read them. */
export type GrayImages = {
  /** [images, height, width, channels]: one of gray, or three of colour */
  readonly shape: readonly [number, number, number, 1 | 3];
  readonly values: Float32Array;
};

/** More images than are held at once: the same parts in every pass. */
export type GrayParts = {
  /** [images of all parts, height, width, channels] */
  readonly shape: GrayImages["shape"];
  /** Images of each part; the last one has what is left. */
  readonly atOnce: number;
  /** One pass over all of them; a part is valid until the next one. */
  parts(): AsyncIterable<GrayImages>;
};

/** A thousand images of 32 x 32: a map of 16 channels is then 64 MiB, and larger images take no more memory. */
const PIXELS_AT_ONCE = 2 ** 20;

/** How many images of a size an encoder is given at once where the number is ours to choose. */
export function imagesAtOnce(
  size: { readonly width: number; readonly height: number },
  pixelsAtOnce = PIXELS_AT_ONCE,
): number {
  return Math.max(1, Math.floor(pixelsAtOnce / (size.width * size.height)));
}
