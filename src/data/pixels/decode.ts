/**
 * The one door to the image library: files to pixels, pixels to PNG. It examines what is packed, and decodes what
 * `jpeg.ts` does not: PNG, CMYK, and JPEG files that libjpeg-turbo refuses.
 *
 * Pixels are the stored ones: no EXIF rotation, no colour profile, alpha dropped, gray repeated to three channels.
 * A file that is cut off or broken is refused, here and when shards are written, by the same rule.
 */
import type { Sharp } from "sharp";
import type { Image } from "./image.ts";
import { decodePpm } from "../shards/ppm.ts";

/** Loaded on first use: a training on raw images never needs it (60 ms and 20 MB a process). */
export async function loadSharp() {
  const { default: sharp } = await import("sharp");
  // One thread per image: many images are decoded side by side, and a worker owns one core.
  sharp.concurrency(1);
  sharp.cache(false);
  return sharp;
}

/**
 * What decodes here: its pixels of CMYK and of damaged JPEG files are its own. Stands here as text because the library
 * is loaded late; it brings its own libvips.
 */
export const LENIENT_DECODER = "sharp 0.35.5";

/** Refuses to inflate a small hostile file into memory: 268 million pixels. */
const MAX_PIXELS = 2 ** 28;

/** Why an image can not be decoded: a clause for the quarantine list. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

export type DecodeOptions = {
  /** Takes what there is of a file that is cut off: its rest is gray. For files that were examined when packed. */
  readonly lenient?: boolean;
};

/** The pixels of a JPEG, PNG or PPM file. A PPM is a view of the file. @throws DecodeError */
export async function decodeImage(
  file: Uint8Array,
  options: DecodeOptions = {},
): Promise<Image> {
  const raw = decodePpm(file);
  if (raw) return raw;
  const sharp = await loadSharp();
  return toPixels(() =>
    sharp(file, {
      failOn: options.lenient ? "none" : "truncated",
      limitInputPixels: MAX_PIXELS,
      ignoreIcc: true,
    }),
  );
}

/** The PNG file of an image. */
export async function encodePng(image: Image): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(image.pixels, { raw: { ...sizeOf(image), channels: 3 } })
    .png()
    .toBuffer();
}

function sizeOf({ width, height }: Image) {
  return { width, height };
}

/** Opening a file may already refuse it, so that happens inside too. */
async function toPixels(open: () => Sharp): Promise<Image> {
  try {
    const { data, info } = await open()
      .toColourspace("srgb")
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3)
      throw new Error(`decoded to ${info.channels} channels`);
    return { width: info.width, height: info.height, pixels: data };
  } catch (thrown) {
    // Not the library's own words: images that are decoded at once share its error buffer, so they vary from run to run,
    // and the reason becomes part of a catalog's bytes.
    throw new DecodeError("does not decode: cut off or damaged", {
      cause: thrown,
    });
  }
}
