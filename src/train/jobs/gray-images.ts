/** Batches of centred gray images outside the graph, as networks read them. */
export type GrayImages = {
  /** [images, height, width, 1] */
  readonly shape: readonly [number, number, number, 1];
  readonly values: Float32Array;
};

/** A thousand images of 32 x 32: a map of 16 channels is then 64 MiB, and larger images take no more memory. */
const PIXELS_AT_ONCE = 2 ** 20;

/** How many images of a size an encoder is given at once where the number is ours to choose. */
export function imagesAtOnce(size: {
  readonly width: number;
  readonly height: number;
}): number {
  return Math.max(1, Math.floor(PIXELS_AT_ONCE / (size.width * size.height)));
}
