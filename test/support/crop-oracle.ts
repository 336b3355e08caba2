/**
 * What the SIMD kernel computes, in plain TypeScript: the definition of a crop's bytes (native/crop/crop.ts, K1 and K2).
 */
import { GRAY_BYTE, type Placement } from "../../src/data/crops/place-crop.ts";
import type { Image } from "../../src/data/pixels/image.ts";

/** The square [side, side, 3] of an image. */
export function cropByOracle(
  image: Image,
  { source, target, mirror }: Placement,
  side: number,
): Uint8Array {
  let [stepX, stepY] = [
    source.width / target.width,
    source.height / target.height,
  ];
  let [left, top, from] = [source.left, source.top, image];
  while (stepX >= 2 && stepY >= 2) {
    from = halveByOracle(from);
    [stepX, stepY, left, top] = [stepX / 2, stepY / 2, left / 2, top / 2];
  }
  const square = new Uint8Array(side * side * 3).fill(GRAY_BYTE);
  for (let y = 0; y < target.height; y++)
    for (let x = 0; x < target.width; x++) {
      const column = target.left + x;
      const at =
        ((target.top + y) * side + (mirror ? side - 1 - column : column)) * 3;
      const dx = neighbours(left + (x + 0.5) * stepX - 0.5, from.width);
      const dy = neighbours(top + (y + 0.5) * stepY - 0.5, from.height);
      for (let c = 0; c < 3; c++) square[at + c] = blend(from, dx, dy, c);
    }
  return square;
}

type Neighbours = { readonly lower: number; readonly weight: number };

/** The lower of two neighbours, and the weight of the upper one in 256ths. */
function neighbours(position: number, length: number): Neighbours {
  const at = Math.max(0, Math.min(position, length - 1));
  const lower = Math.max(0, Math.min(Math.floor(at), length - 2));
  return { lower, weight: Math.floor((at - lower) * 256 + 0.5) };
}

function blend(image: Image, x: Neighbours, y: Neighbours, c: number): number {
  const column = (at: number): number =>
    (256 - y.weight) * pixel(image, at, y.lower, c) +
    y.weight * pixel(image, at, y.lower + 1, c);
  const sum =
    (256 - x.weight) * column(x.lower) + x.weight * column(x.lower + 1);
  return (sum + 0x8000) >> 16;
}

/** Pixels beyond the image have no weight. */
function pixel(
  { pixels, width, height }: Image,
  x: number,
  y: number,
  c: number,
) {
  if (x >= width || y >= height) return 0;
  return pixels[(y * width + x) * 3 + c] as number;
}

function halveByOracle(image: Image): Image {
  const [width, height] = [
    Math.ceil(image.width / 2),
    Math.ceil(image.height / 2),
  ];
  const at = (x: number, y: number, c: number): number =>
    pixel(
      image,
      Math.min(x, image.width - 1),
      Math.min(y, image.height - 1),
      c,
    );
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i++) {
    const c = i % 3;
    const x = 2 * (Math.floor(i / 3) % width);
    const y = 2 * Math.floor(i / 3 / width);
    const sum =
      at(x, y, c) + at(x + 1, y, c) + at(x, y + 1, c) + at(x + 1, y + 1, c);
    pixels[i] = (sum + 2) >> 2;
  }
  return { width, height, pixels };
}
