/**
 * Segmentation masks: PNG files of one channel, whose pixel values are class numbers. With a palette (as PASCAL VOC has
 * them) the value is the index, not the colour; without one it is the gray value. 255 means void.
 *
 * Own reader, since image libraries give a palette's colours. Takes 1 to 8 bits a pixel, not interlaced; the file is
 * hostile input: sizes, filters and checksums are checked, and no more is inflated than the header announces.
 * PNG specification (W3C, third edition), sections 5, 7.2, 9 and 11.
 */
import { crc32, inflateSync } from "node:zlib";

export type Mask = {
  readonly width: number;
  readonly height: number;
  /** [height, width]: class numbers. */
  readonly values: Uint8Array;
};

/** Why a file is no mask: a clause. */
export class MaskError extends Error {
  override readonly name = "MaskError";
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
const GRAY = 0;
const PALETTE = 3;
const MAX_PIXELS = 2 ** 28;

/** @throws MaskError */
export function decodeMask(file: Uint8Array): Mask {
  const { header, data } = readChunks(file);
  const { width, height, depth } = header;
  const rowBytes = Math.ceil((width * depth) / 8);
  const sizeBytes = height * (rowBytes + 1);
  const rows = inflate(Buffer.concat(data), sizeBytes);
  if (rows.length !== sizeBytes) throw new MaskError("its pixels are cut off");
  unfilterInPlace(rows, rowBytes, height);
  return { width, height, values: unpack(rows, header, rowBytes) };
}

type Header = {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
};

function readChunks(file: Uint8Array): {
  readonly header: Header;
  readonly data: readonly Buffer[];
} {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (!bytes.subarray(0, 8).equals(SIGNATURE))
    throw new MaskError("it is no PNG");
  let header: Header | null = null;
  const data: Buffer[] = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) break;
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end))
      throw new MaskError(`its part ${type} fails its checksum`);
    const content = bytes.subarray(at + 8, end);
    if (at === 8) header = readHeader(type, content);
    if (type === "IDAT") data.push(content);
    if (type === "IEND" && header) return { header, data };
    at = end + 4;
  }
  throw new MaskError("it is cut off");
}

function readHeader(type: string, content: Buffer): Header {
  if (type !== "IHDR" || content.length !== 13)
    throw new MaskError("it has no header");
  const [depth, color, , , interlace] = content.subarray(8);
  const [width, height] = [content.readUInt32BE(0), content.readUInt32BE(4)];
  if (color !== GRAY && color !== PALETTE)
    throw new MaskError("it has colours instead of class numbers");
  if (depth !== 1 && depth !== 2 && depth !== 4 && depth !== 8)
    throw new MaskError(`it has ${depth} bits a pixel instead of at most 8`);
  if (interlace !== 0) throw new MaskError("it is interlaced");
  if (width < 1 || height < 1 || width * height > MAX_PIXELS)
    throw new MaskError(`it is ${width} × ${height} pixels`);
  return { width, height, depth };
}

function inflate(data: Buffer, sizeBytes: number): Buffer {
  try {
    return inflateSync(data, { maxOutputLength: sizeBytes });
  } catch (thrown) {
    throw new MaskError("its pixels do not inflate", { cause: thrown });
  }
}

/** Each row has its filter's number before it; one byte of a row holds at least one pixel, so the left one is one byte back. */
function unfilterInPlace(rows: Buffer, rowBytes: number, height: number): void {
  for (let y = 0; y < height; y++) {
    const start = y * (rowBytes + 1) + 1;
    const filter = rows[start - 1] as number;
    if (filter > 4) throw new MaskError(`it has a row of filter ${filter}`);
    if (filter === 0) continue;
    for (let x = 0; x < rowBytes; x++) {
      const at = start + x;
      const left = x > 0 ? (rows[at - 1] as number) : 0;
      const up = y > 0 ? (rows[at - rowBytes - 1] as number) : 0;
      const corner = x > 0 && y > 0 ? (rows[at - rowBytes - 2] as number) : 0;
      rows[at] = (rows[at] as number) + predict(filter, left, up, corner);
    }
  }
}

function predict(
  filter: number,
  left: number,
  up: number,
  corner: number,
): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [
    Math.abs(guess - left),
    Math.abs(guess - up),
    Math.abs(guess - corner),
  ];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function unpack(
  rows: Buffer,
  { width, height, depth }: Header,
  rowBytes: number,
): Uint8Array {
  const values = new Uint8Array(width * height);
  const [perByte, top] = [8 / depth, 2 ** depth - 1];
  for (let y = 0; y < height; y++) {
    const start = y * (rowBytes + 1) + 1;
    for (let x = 0; x < width; x++) {
      const byte = rows[start + Math.floor(x / perByte)] as number;
      const shift = 8 - depth * ((x % perByte) + 1);
      values[y * width + x] = (byte >> shift) & top;
    }
  }
  return values;
}
