/**
 * Gray images with labels: shifted and mirrored at random for training a classifier, as they are for measuring.
 * Same rules as the pretext's batches: everything about step k follows from (seed, k), and a batch is valid until the
 * second `batch` call after it.
 */
import { isMirrored, shiftOf } from "./augment.ts";
import { writeGray } from "../pixels/color.ts";
import type { Dataset } from "../dataset.ts";
import { commonSize, type ImageSize } from "../pixels/image-size.ts";
import { mirrorInPlace } from "../pixels/mirror.ts";
import { batchAt } from "../order/full-order.ts";

export type GrayBatch = {
  /** [B, H, W, 1], mean gray − GRAY_MEAN. */
  readonly gray: Float32Array;
  /** [B], classes; −1: none. */
  readonly labels: Int32Array;
  /** [B], indices into the dataset. */
  readonly samples: Int32Array;
};

export type TrainingBatchOptions = {
  readonly dataset: Dataset;
  /** The samples to train on; each occurs once an epoch. */
  readonly samples: Int32Array;
  readonly seed: number;
  readonly batch: number;
  readonly mirror: boolean;
  /** Largest shift in pixels; what comes in from outside the image is 0, the mean gray. */
  readonly shift: number;
};

export type TrainingBatches = {
  readonly size: ImageSize;
  batch(step: number): GrayBatch;
};

/** @throws UserError `data.mixed-sizes`. */
export function createTrainingBatches(
  options: TrainingBatchOptions,
): TrainingBatches {
  const { dataset, samples, seed, batch } = options;
  const size = commonSize(dataset, samples);
  const buffers = [allocate(batch, size), allocate(batch, size)] as const;
  const order = { seed, size: samples.length, batch };
  let turn = 0;
  return {
    size,
    batch(step) {
      turn = 1 - turn;
      const buffer = buffers[turn] as GrayBatch;
      for (const [i, at] of batchAt(order, step).entries()) {
        const sample = samples[at.sample] as number;
        const occurrence = { epoch: at.epoch, sample };
        writeSample(buffer, i, { dataset, sample, size });
        const start = i * size.width * size.height;
        if (options.mirror && isMirrored(seed, occurrence))
          mirrorInPlace(buffer.gray, start, size);
        if (options.shift > 0)
          shiftInPlace(
            buffer.gray.subarray(start, start + size.width * size.height),
            size,
            shiftOf(seed, occurrence, options.shift),
          );
      }
      return buffer;
    },
  };
}

/** The given samples (default: all) in their order, `batch` at a time, the last batch shorter; fresh buffers. */
export function* measuringBatches(options: {
  readonly dataset: Dataset;
  readonly batch: number;
  readonly samples?: Int32Array;
}): Generator<GrayBatch, void, undefined> {
  const { dataset } = options;
  const samples =
    options.samples ?? Int32Array.from({ length: dataset.size }, (_, i) => i);
  const size = commonSize(dataset, samples);
  for (let start = 0; start < samples.length; start += options.batch) {
    const some = samples.subarray(start, start + options.batch);
    const batch = allocate(some.length, size);
    for (const [i, sample] of some.entries())
      writeSample(batch, i, { dataset, sample, size });
    yield batch;
  }
}

function writeSample(
  batch: GrayBatch,
  i: number,
  from: {
    readonly dataset: Dataset;
    readonly sample: number;
    readonly size: ImageSize;
  },
): void {
  const { dataset, sample, size } = from;
  writeGray(
    dataset.image(sample).pixels,
    batch.gray,
    i * size.width * size.height,
  );
  batch.labels[i] = dataset.label(sample);
  batch.samples[i] = sample;
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

function allocate(batch: number, size: ImageSize): GrayBatch {
  return {
    gray: new Float32Array(batch * size.width * size.height),
    labels: new Int32Array(batch),
    samples: new Int32Array(batch),
  };
}
