/**
 * The one door to libjpeg-turbo: the fast way for the JPEG files of training, straight into memory that the caller owns.
 * It is strict: what it refuses (CMYK, damage, a PNG that is called .jpg) goes to the lenient decoder of `decode.ts`.
 */
import jpeg from "@julusian/jpeg-turbo";
import type { Image } from "./image.ts";
import type { ImageSize } from "./image-size.ts";

/**
 * Which decoder turns a file into pixels: libraries differ by a few levels, so this is part of a dataset's identity for
 * whoever resumes a training or compares two.
 */
export const JPEG_DECODER = "libjpeg-turbo 3.1.3";

/** The pixels of a JPEG of that size, decoded off this thread. Null: the file is not one, or it is damaged. */
export async function decodeJpeg(
  file: Buffer,
  { width, height }: ImageSize,
): Promise<Image | null> {
  const pixels = Buffer.allocUnsafe(width * height * 3);
  try {
    const format = jpeg.FORMAT_RGB;
    const found = await jpeg.decompress(file, pixels, { format });
    return { width: found.width, height: found.height, pixels };
  } catch {
    // As below.
    return null;
  }
}

/** Fills `target` with the pixels (RGB) of a JPEG of that size. False: the file is not one, or it is damaged. */
export function decodeJpegInto(
  file: Buffer,
  size: ImageSize,
  target: Buffer,
): boolean {
  try {
    const format = jpeg.FORMAT_RGB;
    const { width, height } = jpeg.decompressSync(file, target, { format });
    return width === size.width && height === size.height;
  } catch {
    // Its words are "No error" as often as not; the lenient decoder says what is wrong.
    return false;
  }
}
