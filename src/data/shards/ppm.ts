/**
 * Binary PPM (P6, 8 bits): how a source of raw pixels is stored in a shard. Lossless, decoded by skipping a header,
 * and opened by PIL, WebDataset and every image tool.
 */
import type { Image } from "../pixels/image.ts";

/** The file of an image. */
export function encodePpm(image: Image): Uint8Array {
  const header = `P6\n${image.width} ${image.height}\n255\n`;
  const file = new Uint8Array(header.length + image.pixels.length);
  new TextEncoder().encodeInto(header, file);
  file.set(image.pixels, header.length);
  return file;
}

/** The image of a file; its pixels are a view, not a copy. Null: not an 8-bit P6 file, or not of the stated size. */
export function decodePpm(file: Uint8Array): Image | null {
  const head = Buffer.from(
    file.buffer,
    file.byteOffset,
    Math.min(64, file.length),
  ).toString("latin1");
  const match = /^P6\s(?:#[^\n]*\n)?(\d{1,5})\s(\d{1,5})\s255\s/.exec(head);
  if (!match) return null;
  const [header, width, height] = [
    match[0],
    Number(match[1]),
    Number(match[2]),
  ];
  const pixels = file.subarray(header.length);
  if (width < 1 || height < 1 || pixels.length !== width * height * 3)
    return null;
  return { width, height, pixels };
}
