/** Classes of pixels as colours, PASCAL VOC's own: class k gets bits 0, 1, 2 of k in R, G, B from the top, then bits 3, 4, 5, … */
import { VOID_CLASS } from "../crops/place-crop.ts";
import type { Image } from "./image.ts";
import type { ImageSize } from "./image-size.ts";

type Rgb = readonly [number, number, number];

/** As VOC shows it: class 255 of the same scheme. */
const PALETTE: readonly Rgb[] = Array.from({ length: 256 }, (_, k) =>
  colorOf(k),
);

function colorOf(k: number): Rgb {
  const channel = (bit: number) => {
    let value = 0;
    for (let level = 0; level < 8; level++)
      value |= ((k >> (3 * level + bit)) & 1) << (7 - level);
    return value;
  };
  return [channel(0), channel(1), channel(2)];
}

/** A picture of classes [height, width]; void is shown as VOC shows it. */
export function colorClasses(
  classes: ArrayLike<number>,
  size: ImageSize,
): Image {
  const pixels = new Uint8Array(classes.length * 3);
  for (let i = 0; i < classes.length; i++)
    pixels.set(
      PALETTE[classes[i] as number] ?? (PALETTE[VOID_CLASS] as Rgb),
      3 * i,
    );
  return { ...size, pixels };
}
