/**
 * Batches of the colorization task: gray images, sampled places, and what the colour is there (the paper, sections 1.3
 * to 1.6). Everything about step k follows from (seed, k): any step can be made alone, on any worker, after any resume
 * (invariant H).
 *
 * Legend: B images a batch, N places an image, K bins; images are NHWC.
 * Buffers are reused: a batch is valid until the second `batch` call after it. So step k's batch can be filled while
 * the session still reads step k − 1's.
 */
import { UserError } from "../../base/errors.ts";
import { isMirrored, placeOf } from "./augment.ts";
import { chromaByte, writeGray } from "../pixels/color.ts";
import type { Dataset } from "../dataset.ts";
import { lightnessWeight, writeHistograms } from "../pixels/histograms.ts";
import type { Image } from "../pixels/image.ts";
import { commonSize, type ImageSize } from "../pixels/image-size.ts";
import { writeAbTarget } from "../pixels/lab.ts";
import { mirrorInPlace } from "../pixels/mirror.ts";
import { batchAt } from "../order/full-order.ts";

type Places = {
  /** [B, H, W, 1], mean gray − GRAY_MEAN. */
  readonly gray: Float32Array;
  /** [B·N], pixels in the gray image as it is fed (mirrored or not). */
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
  readonly dataset: Dataset;
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
  readonly mirror: boolean;
};

export type PretextBatches = {
  readonly size: ImageSize;
  /** The batch of a step, 0, 1, 2, …; see the file's header for how long it is valid. */
  batch(step: number): PretextBatch;
};

/** @throws UserError `data.border` when no place is left between the borders; `data.mixed-sizes`. */
export function createPretextBatches(
  options: PretextBatchOptions,
): PretextBatches {
  const size = commonSize(options.dataset);
  checkBorder(size, options.border);
  const buffers = [allocate(options, size), allocate(options, size)] as const;
  let turn = 0;
  return {
    size,
    batch(step) {
      turn = 1 - turn;
      const buffer = buffers[turn] as PretextBatch;
      fill(buffer, options, size, step);
      return buffer;
    },
  };
}

function fill(
  buffer: PretextBatch,
  options: PretextBatchOptions,
  size: ImageSize,
  step: number,
): void {
  const { dataset, seed, batch, locations, border } = options;
  const area = { ...size, border };
  clearTargets(buffer);
  const order = { seed, size: dataset.size, batch };
  for (const [i, occurrence] of batchAt(order, step).entries()) {
    const image = dataset.image(occurrence.sample);
    const mirrored = options.mirror && isMirrored(seed, occurrence);
    const start = i * size.width * size.height;
    writeGray(image.pixels, buffer.gray, start);
    if (mirrored) mirrorInPlace(buffer.gray, start, size);
    for (let k = 0; k < locations; k++) {
      const { y, x } = placeOf(seed, occurrence, k, area);
      const row = i * locations + k;
      buffer.ys[row] = y;
      buffer.xs[row] = x;
      // Votes are counted in the image as stored: a window is symmetric, so mirroring only moves its centre.
      const storedX = mirrored ? size.width - 1 - x : x;
      writeTarget(buffer, options, { image, y, x: storedX, row });
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

function allocate(options: PretextBatchOptions, size: ImageSize): PretextBatch {
  const rows = options.batch * options.locations;
  const places = {
    gray: new Float32Array(options.batch * size.width * size.height),
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

function checkBorder({ width, height }: ImageSize, border: number): void {
  if (2 * border < Math.min(width, height)) return;
  throw new UserError({
    code: "data.border",
    message: `no place is left in images of ${width} × ${height} pixels with a border of ${border} pixels`,
    hint: `set the objective's border below ${Math.ceil(Math.min(width, height) / 2)}`,
  });
}
