/**
 * The images that a dataset in memory holds, from their samples' files: as they are, or each as the central square of its
 * shorter side, scaled to one size. The decoder and the kernel are the loader's, so a photograph has the same pixels
 * whether it was loaded at the start or while training.
 *
 * It happens on this thread: an image takes about a millisecond, and events have their turn in between.
 */
import { setImmediate as yieldToEvents } from "node:timers/promises";
import type { SampleCropper } from "./crops/crop-sample.ts";
import { placeCrop } from "./crops/place-crop.ts";
import type { Crop } from "./loader/loader.ts";
import type { Image } from "./pixels/image.ts";
import { decodePpm } from "./shards/ppm.ts";
import type { SampleRecord } from "./shards/shard-index.ts";

/** Odd files are decoded by threads of the image library, which so many keep busy. */
const AT_ONCE = 4;

export type ImageReader = {
  /** How many may be read at once. */
  readonly atOnce: number;
  /** Raw images of the wanted size are views of their file. @throws DecodeError, UserError `data.image-too-large` */
  read(file: Uint8Array, sample: SampleRecord): Promise<Image>;
};

/** `side` null: images as they are. */
export function createImageReader(side: number | null): ImageReader {
  const idle: SampleCropper[] = [];
  /** Late: who reads raw images needs no decoder. */
  const open = async (): Promise<SampleCropper> => {
    const { createSampleCropper } = await import("./crops/crop-sample.ts");
    return createSampleCropper();
  };
  return {
    atOnce: AT_ONCE,
    async read(file, sample) {
      const raw = isOfSide(sample, side) ? decodePpm(file) : null;
      if (raw) return raw;
      await yieldToEvents();
      const cropper = idle.pop() ?? (await open());
      try {
        return await readWith(cropper, file, { sample, side });
      } finally {
        idle.push(cropper);
      }
    },
  };
}

async function readWith(
  cropper: SampleCropper,
  { buffer, byteOffset, byteLength }: Uint8Array,
  how: { readonly sample: SampleRecord; readonly side: number | null },
): Promise<Image> {
  const { sample, side } = how;
  const file = Buffer.from(buffer, byteOffset, byteLength);
  if (side === null) return await cropper.decode(file, sample);
  const placement = placeCrop(centralSquare(side), sample, NOWHERE);
  const square = await cropper.crop(file, sample, { placement, side });
  return { width: side, height: side, pixels: square.slice() };
}

/** Nothing about a central square is drawn. */
const NOWHERE = { seed: 0, epoch: 0, sample: 0 };

function centralSquare(side: number): Crop {
  const scale = { kind: "shorter-side", min: side, max: side } as const;
  return { side, scale, place: "centre", mirror: false };
}

function isOfSide({ width, height }: SampleRecord, side: number | null) {
  return side === null || (width === side && height === side);
}
