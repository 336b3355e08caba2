/**
 * Batches for learning segmentation: gray images, sampled places, and the class of each place (the paper, section 4.3).
 * Pure: a batch follows from its images and masks, which are cropped and mirrored already, by one rectangle, and from
 * (seed, epoch, sample).
 *
 * Legend: B images a batch, N places an image; images are NHWC.
 * Buffers are reused: a batch is valid until the second call after it.
 */
import { UserError } from "../../base/errors.ts";
import { VOID_CLASS } from "../crops/place-crop.ts";
import type { Images } from "../images/image-set.ts";
import { networkInputs, type NetworkInput } from "../pixels/color.ts";
import type { ImageSize } from "../pixels/image-size.ts";
import { checkBorder, placeOf } from "./augment.ts";

export type SegmentationBatch = {
  /** [B, H, W, 1], mean gray − GRAY_MEAN; for input `rgb` [B, H, W, 3], each colour − GRAY_MEAN. */
  readonly gray: Float32Array;
  /** [B·N], pixels in the gray image. */
  readonly ys: Int32Array;
  readonly xs: Int32Array;
  /** [B·N], classes; 0 where the weight is 0. */
  readonly labels: Int32Array;
  /** [B·N], 1, or 0 for a void place: the loss is the sum of weight · loss over the sum of weights. */
  readonly weights: Float32Array;
};

export type SegmentationBatchOptions = {
  readonly imageSize: ImageSize;
  readonly seed: number;
  /** Images per step, B. */
  readonly batch: number;
  /** Places per image, N. */
  readonly locations: number;
  readonly border: number;
  /** Classes, the background among them. */
  readonly classes: number;
  /** Default: gray. */
  readonly input?: NetworkInput;
};

export type ToSegmentationBatch = (images: Images) => SegmentationBatch;

/**
 * @throws UserError `data.border` when no place is left between the borders. Its function throws `data.no-masks` for
 * images without masks and `data.mask-class` for a mask with a class that there is not.
 */
export function createSegmentationBatches(
  options: SegmentationBatchOptions,
): ToSegmentationBatch {
  checkBorder(options.imageSize, options.border);
  const buffers = [allocate(options), allocate(options)] as const;
  let turn = 0;
  return (images) => {
    turn = 1 - turn;
    const buffer = buffers[turn] as SegmentationBatch;
    fill(buffer, options, images);
    return buffer;
  };
}

function fill(
  buffer: SegmentationBatch,
  options: SegmentationBatchOptions,
  images: Images,
): void {
  const { imageSize, seed, locations, border } = options;
  if (!images.masks) throw noMasks();
  const area = { ...imageSize, border };
  const pixels = imageSize.width * imageSize.height;
  networkInputs[options.input ?? "gray"].write(images.pixels, buffer.gray, 0);
  for (let i = 0; i < images.size; i++) {
    const epoch = images.epochs[i] as number;
    const sample = images.samples[i] as number;
    for (let k = 0; k < locations; k++) {
      const { y, x } = placeOf(seed, { epoch, sample }, k, area);
      const row = i * locations + k;
      const found = images.masks[i * pixels + y * imageSize.width + x];
      const isVoid = found === VOID_CLASS;
      if (!isVoid && (found as number) >= options.classes)
        throw unknownClass(found as number, sample, options.classes);
      buffer.ys[row] = y;
      buffer.xs[row] = x;
      buffer.labels[row] = isVoid ? 0 : (found as number);
      buffer.weights[row] = isVoid ? 0 : 1;
    }
  }
}

function allocate(options: SegmentationBatchOptions): SegmentationBatch {
  const { width, height } = options.imageSize;
  const rows = options.batch * options.locations;
  const { channels } = networkInputs[options.input ?? "gray"];
  return {
    gray: new Float32Array(options.batch * width * height * channels),
    ys: new Int32Array(rows),
    xs: new Int32Array(rows),
    labels: new Int32Array(rows),
    weights: new Float32Array(rows),
  };
}

function noMasks(): UserError {
  return new UserError({
    code: "data.no-masks",
    message: "expected images with segmentation masks; the dataset has none",
    hint: "pack a source that carries masks, such as one of format voc",
  });
}

function unknownClass(
  found: number,
  sample: number,
  classes: number,
): UserError {
  return new UserError({
    code: "data.mask-class",
    message: `expected classes 0 to ${classes - 1} or ${VOID_CLASS} in a mask; sample ${sample} has class ${found}`,
    hint: "check that the masks belong to the dataset's classes",
  });
}
