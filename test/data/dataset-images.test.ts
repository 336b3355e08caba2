import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.ts";
import type { Crop } from "../../src/data/loader/loader.ts";
import { openLoader } from "../../src/data/loader/open-loader.ts";
import { encodePpm } from "../../src/data/shards/ppm.ts";
import { createImageReader } from "../../src/data/dataset-images.ts";
import {
  SampleClass,
  type SampleRecord,
} from "../../src/data/shards/shard-index.ts";
import {
  loaderOptions,
  packPhotographs,
  type LoaderDataset,
} from "../support/loader-dataset.ts";
import { readPhotographs, toSharp } from "../support/photographs.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

/** JPEG of several sizes; some PNG, gray and of four inks. */
const COUNT = 40;
let dataset: LoaderDataset;
let removeFolder: () => Promise<void>;
beforeAll(async () => {
  const { folder, remove } = await openTemporaryFolder();
  removeFolder = remove;
  dataset = await packPhotographs(folder, { count: COUNT, shards: 2 });
});
afterAll(() => removeFolder());

describe("the images of a dataset in memory", () => {
  // Smaller than all of them, and larger than some.
  it.each([32, 48])(
    "scaled to %d pixels are to the byte what a loader gives for the same crop",
    async (side) => {
      const scale = { kind: "shorter-side", min: side, max: side } as const;
      const crop: Crop = { side, scale, place: "centre", mirror: false };
      const inMemory = await openDataset(dataset.store, dataset.catalog, {
        side,
      });
      const loader = await openLoader(
        loaderOptions(dataset, { crop, batch: COUNT, workers: 1 }),
      );
      const { pixels, samples } = await loader.batch(0);
      const bytes = side * side * 3;
      for (const [i, sample] of samples.entries()) {
        const image = inMemory.image(sample);
        expect(image).toMatchObject({ width: side, height: side });
        const square = Buffer.from(pixels.subarray(i * bytes, (i + 1) * bytes));
        expect(square.equals(image.pixels)).toBe(true);
      }
      expect(new Set(samples).size).toBe(COUNT);
      await loader.close();
    },
  );

  it("without a side are as large as they are, decoded alike", async () => {
    const { store, catalog, table } = dataset;
    const images = await openDataset(store, catalog);
    const photos = await readPhotographs(COUNT);
    for (let sample = 0; sample < COUNT; sample++) {
      const { width, height, source } = table.record(sample);
      const image = images.image(sample);
      expect(image).toMatchObject({ width, height });
      expect(image.pixels.length).toBe(width * height * 3);
      // JPEG of quality 80, also without colours: far from other photographs all the same.
      const photo = photos[sourceOrder(source)] as (typeof photos)[number];
      const want = await toSharp(photo)
        .resize(width, height, { fit: "fill" })
        .raw()
        .toBuffer();
      expect(meanDistance(image.pixels, want)).toBeLessThan(25);
    }
  });

  it("are views of their files where those are raw and of the wanted size", async () => {
    const [photo] = await readPhotographs(1);
    const file = encodePpm(photo as NonNullable<typeof photo>);
    const sample = {
      ...dataset.table.record(0),
      width: 32,
      height: 32,
      sampleClass: SampleClass.ppm,
    } satisfies SampleRecord;
    for (const side of [null, 32]) {
      const { pixels } = await createImageReader(side).read(file, sample);
      expect(pixels.buffer).toBe(file.buffer);
    }
    const small = await createImageReader(16).read(file, sample);
    expect(small).toMatchObject({ width: 16, height: 16 });
    expect(small.pixels.length).toBe(16 * 16 * 3);
  });
});

/** Sources are numbered class by class: 0, 3, 6, … then 1, 4, 7, … */
function sourceOrder(source: number): number {
  const all = Array.from({ length: COUNT }, (_, i) => i);
  return all.toSorted((a, b) => (a % 3) - (b % 3) || a - b)[source] as number;
}

function meanDistance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (const [i, level] of a.entries()) sum += Math.abs(level - (b[i] ?? 0));
  return sum / a.length;
}
