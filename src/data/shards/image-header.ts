/**
 * What an image file says about itself, from its first bytes: format, size, colour kind. Decides how a sample is
 * decoded, whatever its file name claims; a JPEG named .png is a JPEG. Does not decode: a file whose header is fine
 * may still be cut off.
 */
import { decodePpm } from "./ppm.ts";
import { SampleClass } from "./shard-index.ts";

/** What a decoder may be asked to hold: a small hostile file can claim to be large. */
const MAX_PIXELS = 2 ** 28;

export type ImageHeader = {
  readonly width: number;
  readonly height: number;
  readonly sampleClass: SampleClass;
};

/** The header, or why the file can not be used, as a clause. */
export function readImageHeader(
  file: Uint8Array,
): ImageHeader | { readonly reason: string } {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length === 0) return { reason: "empty file" };
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpegHeader(bytes);
  if (bytes.toString("latin1", 1, 4) === "PNG") return readPngHeader(bytes);
  const image = decodePpm(file);
  if (image)
    return checkSize({ ...sizeOf(image), sampleClass: SampleClass.ppm });
  return { reason: "neither JPEG, PNG nor 8-bit PPM" };
}

function sizeOf({ width, height }: { width: number; height: number }) {
  return { width, height };
}

function readPngHeader(bytes: Buffer): ImageHeader | { reason: string } {
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  const isPng =
    bytes.length >= 33 &&
    bytes.subarray(0, 8).equals(signature) &&
    bytes.toString("latin1", 12, 16) === "IHDR";
  if (!isPng) return { reason: "broken PNG header" };
  return checkSize({
    width: bytes.readUInt32BE(16),
    height: bytes.readUInt32BE(20),
    sampleClass: SampleClass.png,
  });
}

const COLOR_CLASS: Readonly<Record<number, SampleClass>> = {
  1: SampleClass.jpegGray,
  3: SampleClass.jpegColor,
  4: SampleClass.jpegCmyk,
};

/** Walks the marker segments up to the start-of-frame (ITU T.81, B.2.2). Fill bytes (FF) may stand before a marker. */
function readJpegHeader(bytes: Buffer): ImageHeader | { reason: string } {
  let at = 2;
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) {
      at++;
      continue;
    }
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) at++;
    else if (isStandalone(marker)) at += 2;
    else if (isStartOfFrame(marker)) return readFrame(bytes, at + 4);
    else at += 2 + Math.max(2, bytes.readUInt16BE(at + 2));
  }
  return { reason: "JPEG without a frame header" };
}

function readFrame(
  bytes: Buffer,
  at: number,
): ImageHeader | { reason: string } {
  const components = bytes[at + 5] as number;
  const sampleClass = COLOR_CLASS[components];
  if (sampleClass === undefined)
    return { reason: `JPEG with ${components} components` };
  return checkSize({
    height: bytes.readUInt16BE(at + 1),
    width: bytes.readUInt16BE(at + 3),
    sampleClass,
  });
}

function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9) || marker === 0;
}

/** SOF0…SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
function isStartOfFrame(marker: number): boolean {
  return (
    marker >= 0xc0 &&
    marker <= 0xcf &&
    marker !== 0xc4 &&
    marker !== 0xc8 &&
    marker !== 0xcc
  );
}

function checkSize(header: ImageHeader): ImageHeader | { reason: string } {
  const { width, height } = header;
  if (width < 1 || height < 1) return { reason: "image without pixels" };
  if (width > 65_535 || height > 65_535)
    return { reason: `larger than 65,535 pixels a side` };
  if (width * height > MAX_PIXELS)
    return { reason: "more than 268 million pixels" };
  return header;
}
