/**
 * Smaller files of large photographs and of their masks, for shards: decoding a photograph of 20 megapixels to cut a
 * square of 352 pixels out of it costs a training more than everything else it does with it.
 *
 * A photograph is scaled with a Lanczos filter and becomes a JPEG of quality 92 whose colours are as fine as its
 * lightness (4:4:4): colour is what is trained on. Its orientation and profile stay unapplied, as in decoding. The bytes
 * follow from the file and from the library's version (`SHRINK_ENCODER`). A mask takes the nearest pixel, by its centre.
 */
import { crc32, deflateSync } from "node:zlib";
import { loadSharp } from "./decode.ts";
import type { ImageSize } from "./image-size.ts";
import { decodeMask, type Mask } from "./mask-png.ts";

/** The size whose shorter side is `side`; null: the image is not larger than that. */
export function shrunkSize(
  { width, height }: ImageSize,
  side: number,
): ImageSize | null {
  const shorter = Math.min(width, height);
  if (shorter <= side) return null;
  const scaled = (length: number) => Math.round((length * side) / shorter);
  return { width: scaled(width), height: scaled(height) };
}

/** A JPEG of that size. The file is one that `decodeImage` reads. */
export async function shrinkImage(
  file: Uint8Array,
  { width, height }: ImageSize,
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(file, { failOn: "truncated", ignoreIcc: true })
    .resize(width, height, { fit: "fill", kernel: "lanczos3" })
    .toColourspace("srgb")
    .removeAlpha()
    .jpeg({ quality: 92, chromaSubsampling: "4:4:4" })
    .toBuffer();
}

/** What `shrinkImage` makes its bytes with: another version may give others. */
export async function shrinkEncoder(): Promise<string> {
  const { versions } = await loadSharp();
  return `sharp ${versions.sharp}, libvips ${versions.vips}`;
}

/** A mask of that size: a gray PNG of 8 bits. @throws MaskError */
export function shrinkMask(file: Uint8Array, size: ImageSize): Uint8Array {
  const mask = decodeMask(file);
  const columns = nearest(mask.width, size.width);
  const rows = nearest(mask.height, size.height);
  const values = new Uint8Array(size.width * size.height);
  for (const [y, row] of rows.entries())
    for (const [x, column] of columns.entries())
      values[y * size.width + x] = mask.values[
        row * mask.width + column
      ] as number;
  return encodeMask({ ...size, values });
}

/** For each of `count` pixels the one of `length` whose area holds its centre. */
function nearest(length: number, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) =>
    Math.floor(((i + 0.5) * length) / count),
  );
}

/** PNG specification, sections 5 and 11: no palette, no filters. */
function encodeMask({ width, height, values }: Mask): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++)
    rows.set(values.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    toChunk("IHDR", header),
    toChunk("IDAT", deflateSync(rows, { level: 9 })),
    toChunk("IEND", Buffer.alloc(0)),
  ]);
}

function toChunk(type: string, content: Buffer): Buffer {
  const end = content.length + 8;
  const chunk = Buffer.alloc(end + 4);
  chunk.writeUInt32BE(content.length, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(content, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, end)), end);
  return chunk;
}
