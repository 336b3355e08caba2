/** Images mirrored left and right. */
import type { ImageSize } from "./image-size.ts";

/** Copies pixels [H·W·3] into `target`, mirrored. */
export function copyMirrored(
  pixels: Uint8Array,
  target: Uint8Array,
  { width, height }: ImageSize,
): void {
  for (let y = 0; y < height; y++)
    for (
      let from = y * width * 3, to = from + (width - 1) * 3, x = 0;
      x < width;
      x++, from += 3, to -= 3
    ) {
      target[to] = pixels[from] as number;
      target[to + 1] = pixels[from + 1] as number;
      target[to + 2] = pixels[from + 2] as number;
    }
}
