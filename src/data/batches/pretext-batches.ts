/**
 * Batches of the colorization task: gray images, sampled places, and what the colour is there (the paper, sections 1.3
 * to 1.6). Pure: a batch follows from its images, which are cropped and mirrored already, and from (seed, epoch, sample),
 * so that any step can be made alone, on any worker, after any resume (docs/design.md, invariant H).
 *
 * Legend: B images a batch, N places an image, K bins; images are NHWC.
 * Buffers are reused: a batch is valid until the second call after it. So step k's batch can be filled while the session
 * still reads step k − 1's.
 */
import { checkBorder, placeOf } from "./augment.ts";
import { chromaByte, writeGray } from "../pixels/color.ts";
import type { Images } from "../images/image-set.ts";
import { lightnessWeight, writeHistograms } from "../pixels/histograms.ts";
import type { Image } from "../pixels/image.ts";
import type { ImageSize } from "../pixels/image-size.ts";
import { writeAbTarget } from "../pixels/lab.ts";

type Places = {
  /** [B, H, W, 1], mean gray − GRAY_MEAN. */
  readonly gray: Float32Array;
  /** [B·N], pixels in the gray image. */
  readonly ys: Int32Array;
  readonly xs: Int32Array;
};

export type HistogramBatch = Places & {
  readonly target: "hue-chroma";
  /** [B·N, K], each row sums to 1. */
  readonly hue: Float32Array;
  readonly chroma: Float32Array;
  /** [B·N], chroma of the centre pixel: the weight of the hue term (paper 1.4). */
  readonly centreChroma: Float32Array;
  /** [B·N], the weight of the chroma term by lightness (paper 1.4). */
  readonly lightness: Float32Array;
};

export type RegressionBatch = Places & {
  readonly target: "lab-regression";
  /** [B·N, 2], Lab (a, b) / 25 of the centre pixel (paper 1.5). */
  readonly ab: Float32Array;
};

export type PretextBatch = HistogramBatch | RegressionBatch;

export type PretextBatchOptions = {
  readonly imageSize: ImageSize;
  readonly seed: number;
  /** Images per step, B. */
  readonly batch: number;
  /** Places per image, N. */
  readonly locations: number;
  readonly border: number;
  readonly target: PretextBatch["target"];
  /** Bins and window of histogram targets. */
  readonly bins: number;
  readonly window: number;
};

/** The batch of a step's images; see the file's header for how long it is valid. */
export type ToPretextBatch = (images: Images) => PretextBatch;

/** @throws UserError `data.border` when no place is left between the borders. */
export function createPretextBatches(
  options: PretextBatchOptions,
): ToPretextBatch {
  checkBorder(options.imageSize, options.border);
  const buffers = [allocate(options), allocate(options)] as const;
  let turn = 0;
  return (images) => {
    turn = 1 - turn;
    const buffer = buffers[turn] as PretextBatch;
    fill(buffer, options, images);
    return buffer;
  };
}

function fill(
  buffer: PretextBatch,
  options: PretextBatchOptions,
  images: Images,
): void {
  const { imageSize, seed, locations, border } = options;
  const area = { ...imageSize, border };
  const bytes = imageSize.width * imageSize.height * 3;
  clearTargets(buffer);
  writeGray(images.pixels, buffer.gray, 0);
  for (let i = 0; i < images.size; i++) {
    const image = {
      ...imageSize,
      pixels: images.pixels.subarray(i * bytes, (i + 1) * bytes),
    };
    const occurrence = {
      epoch: images.epochs[i] as number,
      sample: images.samples[i] as number,
    };
    for (let k = 0; k < locations; k++) {
      const { y, x } = placeOf(seed, occurrence, k, area);
      const row = i * locations + k;
      buffer.ys[row] = y;
      buffer.xs[row] = x;
      writeTarget(buffer, options, { image, y, x, row });
    }
  }
}

type Place = {
  readonly image: Image;
  readonly y: number;
  readonly x: number;
  readonly row: number;
};

function writeTarget(
  buffer: PretextBatch,
  shape: { readonly bins: number; readonly window: number },
  place: Place,
): void {
  if (buffer.target === "lab-regression") {
    writeAbTarget({ ...place, out: buffer.ab, offset: place.row * 2 });
    return;
  }
  const { hue, chroma } = buffer;
  writeHistograms({ ...place, shape, hue, chroma });
  const { pixels, width } = place.image;
  const at = (place.y * width + place.x) * 3;
  const r = pixels[at] as number;
  const g = pixels[at + 1] as number;
  const b = pixels[at + 2] as number;
  buffer.centreChroma[place.row] = chromaByte(r, g, b) / 255;
  buffer.lightness[place.row] = lightnessWeight((r + g + b) / 765);
}

function clearTargets(buffer: PretextBatch): void {
  if (buffer.target === "lab-regression") return;
  buffer.hue.fill(0);
  buffer.chroma.fill(0);
}

function allocate(options: PretextBatchOptions): PretextBatch {
  const { width, height } = options.imageSize;
  const rows = options.batch * options.locations;
  const places = {
    gray: new Float32Array(options.batch * width * height),
    ys: new Int32Array(rows),
    xs: new Int32Array(rows),
  };
  if (options.target === "lab-regression")
    return {
      ...places,
      target: options.target,
      ab: new Float32Array(rows * 2),
    };
  return {
    ...places,
    target: options.target,
    hue: new Float32Array(rows * options.bins),
    chroma: new Float32Array(rows * options.bins),
    centreChroma: new Float32Array(rows),
    lightness: new Float32Array(rows),
  };
}
