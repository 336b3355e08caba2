/** A batch of centred gray images outside the graph, as networks read them. */
export type GrayImages = {
  /** [images, height, width, 1] */
  readonly shape: readonly [number, number, number, 1];
  readonly values: Float32Array;
};
