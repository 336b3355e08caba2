/**
 * One sample's file becomes one square: decode, then the kernel. What a loader's threads do for each sample, and anyone
 * who wants the same pixels without threads.
 *
 * A plain JPEG goes through libjpeg-turbo, straight into the kernel's memory; PNG, CMYK and the JPEG files that
 * libjpeg-turbo refused when they were packed, through the lenient decoder.
 *
 * D1 Which decoder a file gets was decided when it was packed and stands in its index. A plain JPEG that libjpeg-turbo
 *    refuses now is an error: the other decoder's pixels differ by a few levels, and nobody would ever be told.
 */
import { DecodeError, decodeImage, LENIENT_DECODER } from "../pixels/decode.ts";
import { JPEG_DECODER, decodeJpegInto } from "../pixels/jpeg.ts";
import type { Image } from "../pixels/image.ts";
import { decodeMask, MaskError, type Mask } from "../pixels/mask-png.ts";
import { readImageHeader } from "../shards/image-header.ts";
import { SampleClass, type SampleRecord } from "../shards/shard-index.ts";
import { createCropKernel, KERNEL_VERSION } from "./crop-kernel.ts";
import { cropMask } from "./crop-mask.ts";
import type { Placement } from "./place-crop.ts";

/** What pixels depend on besides files and placements: part of the state that a resume must find again. */
export const DECODER = `${JPEG_DECODER}, ${LENIENT_DECODER}, crop ${KERNEL_VERSION}`;

export type SampleImage = Pick<
  SampleRecord,
  "width" | "height" | "sampleClass"
>;

export type SampleCropper = {
  /** Where time went so far, in milliseconds. */
  readonly spent: { readonly decodeMs: number; readonly cropMs: number };
  /** The square [side, side, 3] of an image's file. Valid until the next one. @throws DecodeError, UserError */
  crop(
    file: Buffer,
    image: SampleImage,
    place: { readonly placement: Placement; readonly side: number },
  ): Promise<Uint8Array>;
  /** All pixels of an image's file, in memory of their own. @throws DecodeError */
  decode(file: Buffer, image: SampleImage): Promise<Image>;
  /** Fills `square` [side, side] from a mask's file. @throws DecodeError */
  cropMask(
    file: Buffer,
    image: SampleImage,
    place: {
      readonly placement: Placement;
      readonly side: number;
      readonly square: Uint8Array;
    },
  ): void;
};

/** `guard` runs each call of the native decoder. */
export function createSampleCropper(
  options: { readonly guard?: <T>(call: () => T) => T } = {},
): SampleCropper {
  const guard = options.guard ?? ((call) => call());
  const kernel = createCropKernel();
  const spent = { decodeMs: 0, cropMs: 0 };

  async function decodeInto(
    target: Buffer,
    file: Buffer,
    image: SampleImage,
  ): Promise<void> {
    const begun = performance.now();
    if (!isPlain(image)) target.set(await decodeLeniently(file, image));
    else if (!guard(() => decodeJpegInto(file, image, target)))
      throw refused(file, image);
    spent.decodeMs += performance.now() - begun;
  }

  return {
    spent,
    async crop(file, image, { placement, side }) {
      await decodeInto(kernel.image(image, side), file, image);
      const decoded = performance.now();
      const square = kernel.crop(placement);
      spent.cropMs += performance.now() - decoded;
      return square;
    },
    async decode(file, image) {
      const { width, height } = image;
      const pixels = Buffer.alloc(width * height * 3);
      await decodeInto(pixels, file, image);
      return { width, height, pixels };
    },
    cropMask(file, image, { placement, side, square }) {
      const begun = performance.now();
      const mask = readMask(file);
      checkSize(mask, image);
      const decoded = performance.now();
      cropMask(mask, placement, side, square);
      spent.decodeMs += decoded - begun;
      spent.cropMs += performance.now() - decoded;
    },
  };
}

function isPlain({ sampleClass }: SampleImage): boolean {
  return (
    sampleClass === SampleClass.jpegColor ||
    sampleClass === SampleClass.jpegGray
  );
}

/** D1. */
function refused(file: Buffer, image: SampleImage): DecodeError {
  const header = readImageHeader(file);
  if (!("reason" in header)) checkSize(header, image);
  return new DecodeError(
    `is refused by ${JPEG_DECODER}, which its index names as its decoder; ${LENIENT_DECODER} decodes only what it refused when the shard was packed`,
  );
}

async function decodeLeniently(
  file: Buffer,
  image: SampleImage,
): Promise<Uint8Array> {
  // A copy: the image library takes no shared memory.
  const decoded = await decodeImage(Buffer.from(file), { lenient: true });
  checkSize(decoded, image);
  return decoded.pixels;
}

function readMask(file: Buffer): Mask {
  try {
    return decodeMask(file);
  } catch (thrown) {
    if (!(thrown instanceof MaskError)) throw thrown;
    throw new DecodeError(`has an unusable mask: ${thrown.message}`, {
      cause: thrown,
    });
  }
}

function checkSize(
  found: { readonly width: number; readonly height: number },
  { width, height }: SampleImage,
): void {
  if (found.width !== width || found.height !== height)
    throw new DecodeError(
      `is ${found.width} × ${found.height} pixels, its index says ${width} × ${height}`,
    );
}
