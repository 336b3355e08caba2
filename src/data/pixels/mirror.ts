/** Mirrors one gray image left and right inside a batch. */
import type { ImageSize } from "./image-size.ts";

export function mirrorInPlace(
  gray: Float32Array,
  start: number,
  { width, height }: ImageSize,
): void {
  for (let y = 0; y < height; y++)
    gray.subarray(start + y * width, start + (y + 1) * width).reverse();
}
