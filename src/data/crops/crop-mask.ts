/** The square of a mask that belongs to an image's square: the same place, the nearest class, no mixing of numbers. */
import type { Mask } from "../pixels/mask-png.ts";
import { VOID_CLASS, type Placement } from "./place-crop.ts";

/** Fills `square` [side, side]; padding is `VOID_CLASS`. */
export function cropMask(
  mask: Mask,
  placement: Placement,
  side: number,
  square: Uint8Array,
): void {
  const { source, target, mirror } = placement;
  square.fill(VOID_CLASS);
  const columns = nearest(source.left, source.width, target.width, mask.width);
  const rows = nearest(source.top, source.height, target.height, mask.height);
  for (let y = 0; y < target.height; y++) {
    const row = (rows[y] as number) * mask.width;
    const start = (target.top + y) * side;
    for (let x = 0; x < target.width; x++) {
      const column = target.left + x;
      square[start + (mirror ? side - 1 - column : column)] = mask.values[
        row + (columns[x] as number)
      ] as number;
    }
  }
}

/** The pixel whose area holds the centre of each of `count` pixels. */
function nearest(
  start: number,
  extent: number,
  count: number,
  length: number,
): Int32Array {
  const step = extent / count;
  return Int32Array.from({ length: count }, (_, i) =>
    Math.max(0, Math.min(length - 1, Math.floor(start + (i + 0.5) * step))),
  );
}
