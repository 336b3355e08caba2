/**
 * Images with labels as networks are shown them, gray or in colour, for classifiers: shifted at random for training where asked, as they are for measuring. Pure:
 * what a batch holds follows from the images and the seed.
 */
import { networkInputs, type NetworkInput } from "../pixels/color.ts";
import type { Images } from "../images/image-set.ts";
import type { ImageSize } from "../pixels/image-size.ts";
import { shiftOf } from "./augment.ts";

export type GrayBatch = {
  /** [B, H, W, 1], mean gray − GRAY_MEAN; for input `rgb` [B, H, W, 3], each colour − GRAY_MEAN. */
  readonly gray: Float32Array;
  /** [B], classes; −1: none. */
  readonly labels: Int32Array;
};

export type GrayBatchOptions = {
  readonly imageSize: ImageSize;
  /** Images a batch, B; where fewer come, the rest is gray, without a label. */
  readonly batch: number;
  readonly seed: number;
  /** Largest shift in pixels; what comes in from outside the image is 0, the mean gray. */
  readonly shift: number;
  /** Default: gray. */
  readonly input?: NetworkInput;
};

/** The batch of some images; buffers are reused, and a batch is valid until the second call after it. */
export type ToGrayBatch = (images: Images) => GrayBatch;

export function createGrayBatches(options: GrayBatchOptions): ToGrayBatch {
  const { imageSize, batch, seed, shift, input = "gray" } = options;
  const { channels, write } = networkInputs[input];
  const pixels = imageSize.width * imageSize.height * channels;
  const buffers = [allocate(batch, pixels), allocate(batch, pixels)] as const;
  let turn = 0;
  return (images) => {
    turn = 1 - turn;
    const buffer = buffers[turn] as GrayBatch;
    write(images.pixels, buffer.gray, 0);
    buffer.gray.fill(0, images.size * pixels);
    buffer.labels.fill(-1).set(images.labels);
    if (shift === 0) return buffer;
    for (let i = 0; i < images.size; i++) {
      const { dy, dx } = shiftOf(seed, occurrenceOf(images, i), shift);
      // A row of colours is a row of three times as many numbers.
      shiftInPlace(
        buffer.gray.subarray(i * pixels, (i + 1) * pixels),
        { ...imageSize, width: imageSize.width * channels },
        { dy, dx: dx * channels },
      );
    }
    return buffer;
  };
}

function occurrenceOf(
  { epochs, samples }: Images,
  i: number,
): { readonly epoch: number; readonly sample: number } {
  return { epoch: epochs[i] as number, sample: samples[i] as number };
}

/** Moves an image down by dy and right by dx, filling with 0. */
export function shiftInPlace(
  gray: Float32Array,
  { width, height }: ImageSize,
  { dy, dx }: { readonly dy: number; readonly dx: number },
): void {
  const rows = Array.from({ length: height }, (_, i) =>
    dy > 0 ? height - 1 - i : i,
  );
  for (const y of rows) {
    const row = gray.subarray(y * width, (y + 1) * width);
    const from = y - dy;
    if (from < 0 || from >= height || Math.abs(dx) >= width) {
      row.fill(0);
      continue;
    }
    const source = from * width;
    gray.copyWithin(
      y * width + Math.max(0, dx),
      source + Math.max(0, -dx),
      source + width - Math.max(0, dx),
    );
    if (dx > 0) row.fill(0, 0, dx);
    else if (dx < 0) row.fill(0, width + dx);
  }
}

function allocate(batch: number, pixels: number): GrayBatch {
  return {
    gray: new Float32Array(batch * pixels),
    labels: new Int32Array(batch),
  };
}
