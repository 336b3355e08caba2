/**
 * Decides whether an image file may go into a shard, and how it is to be decoded: reads its header, then decodes all of
 * it, since a file may be cut off behind a good header. A JPEG that the fast decoder refuses gets a class of its own, so
 * that a training never finds out; what no decoder reads goes to the quarantine.
 *
 * Pixels are those that a training will see: of the same decoder.
 */
import { decodeImage, DecodeError } from "../pixels/decode.ts";
import { meanChromaOf, type Image } from "../pixels/image.ts";
import { decodeJpeg } from "../pixels/jpeg.ts";
import { decodeMask, MaskError } from "../pixels/mask-png.ts";
import type { ImageSize } from "../pixels/image-size.ts";
import { shrinkImage, shrinkMask, shrunkSize } from "../pixels/shrink.ts";
import { readImageHeader, type ImageHeader } from "./image-header.ts";
import { SampleClass } from "./shard-index.ts";

type ExaminedImage = ImageHeader & {
  /** Mean chroma in [0, 1]. */
  readonly chroma: number;
};

/** What is in a file, or why it belongs into the quarantine, as a clause. */
async function examineImage(
  file: Uint8Array,
): Promise<ExaminedImage | { readonly reason: string }> {
  const header = readImageHeader(file);
  if ("reason" in header) return header;
  const decoded = await decode(file, header);
  if ("reason" in decoded) return decoded;
  const { image, sampleClass } = decoded;
  if (image.width !== header.width || image.height !== header.height)
    return { reason: "header and content differ in size" };
  return { ...header, sampleClass, chroma: meanChromaOf(image) };
}

export type ExaminedSample = ExaminedImage & {
  readonly file: Uint8Array;
  readonly mask: Uint8Array | undefined;
  /** Its size before it was scaled down; null: it is as it was. */
  readonly shrunkFrom: ImageSize | null;
};

type SampleFiles = Pick<ExaminedSample, "file" | "mask">;

/**
 * The same of an image with its mask, which has to have its size; if the shorter side is larger than `shrink`, of the
 * smaller files that stand for them.
 */
export async function examineSample(
  files: SampleFiles,
  shrink: number | null,
): Promise<ExaminedSample | { readonly reason: string }> {
  const found = await examineFiles(files);
  if ("reason" in found || shrink === null) return found;
  const size = shrunkSize(found, shrink);
  if (size === null) return found;
  const { width, height, mask } = found;
  const smaller = await examineFiles({
    file: await shrinkImage(files.file, size),
    mask: mask && shrinkMask(mask, size),
  });
  return "reason" in smaller
    ? smaller
    : { ...smaller, shrunkFrom: { width, height } };
}

async function examineFiles(
  files: SampleFiles,
): Promise<ExaminedSample | { readonly reason: string }> {
  const image = await examineImage(files.file);
  if ("reason" in image) return image;
  const reason = files.mask ? findMaskDefect(files.mask, image) : null;
  return reason === null
    ? { ...image, ...files, shrunkFrom: null }
    : { reason };
}

function findMaskDefect(mask: Uint8Array, image: ImageSize): string | null {
  try {
    const { width, height } = decodeMask(mask);
    const isSame = width === image.width && height === image.height;
    return isSame ? null : "image and mask differ in size";
  } catch (thrown) {
    if (!(thrown instanceof MaskError)) throw thrown;
    return `its mask can not be used: ${thrown.message}`;
  }
}

type Decoded = { readonly image: Image; readonly sampleClass: SampleClass };

async function decode(
  file: Uint8Array,
  header: ImageHeader,
): Promise<Decoded | { readonly reason: string }> {
  const { sampleClass } = header;
  const isPlain =
    sampleClass === SampleClass.jpegColor ||
    sampleClass === SampleClass.jpegGray;
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const image = isPlain ? await decodeJpeg(bytes, header) : null;
  if (image) return { image, sampleClass };
  try {
    return {
      image: await decodeImage(file),
      sampleClass: isPlain ? SampleClass.jpegLenient : sampleClass,
    };
  } catch (thrown) {
    if (!(thrown instanceof DecodeError)) throw thrown;
    return { reason: thrown.message };
  }
}
