import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSampleCropper } from "../../../src/data/crops/crop-sample.ts";
import { placeCrop } from "../../../src/data/crops/place-crop.ts";
import { findDatasetFiles } from "../../../src/data/dataset-files.ts";
import type { MeasuringImages } from "../../../src/data/images/image-set.ts";
import {
  openLoadedImages,
  type LoadedImagesOptions,
} from "../../../src/data/images/loaded-images.ts";
import type { Crop } from "../../../src/data/loader/loader.ts";
import { checkOrderState } from "../../../src/data/order/order-state.ts";
import type { SampleRecord } from "../../../src/data/shards/shard-index.ts";
import type { DatasetArtifacts } from "../../support/dataset-artifacts.ts";
import {
  createPhotographs,
  packFiles,
} from "../../support/packed-photographs.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

const SIDE = 32;
const training: Crop = {
  side: SIDE,
  scale: { kind: "shorter-side", min: 32, max: 54 },
  place: "random",
  mirror: true,
};
const measuring: Crop = {
  side: SIDE,
  scale: { kind: "shorter-side", min: 40, max: 40 },
  place: "centre",
  mirror: false,
};

let dataset: DatasetArtifacts;
let remove = () => Promise.resolve();
const files: { bytes: Buffer; record: SampleRecord }[] = [];
beforeAll(async () => {
  const temporary = await openTemporaryFolder();
  remove = temporary.remove;
  dataset = await packFiles(temporary.folder, {
    files: await createPhotographs(25),
    shards: 3,
  });
  const { shards } = await findDatasetFiles(dataset.store, dataset.catalog);
  for (const shard of shards)
    for (const record of (await shard.readIndex()).samples)
      files.push({
        bytes: Buffer.from(await shard.readSample(record)),
        record,
      });
}, 60_000);
afterAll(() => remove());

const open = (options: Partial<LoadedImagesOptions> = {}) =>
  openLoadedImages(dataset.store, dataset.catalog, {
    seed: 9,
    training,
    measuring,
    views: 1,
    workers: 2,
    maxBytes: 2 ** 26,
    cache: null,
    signal: new AbortController().signal,
    ...options,
  });

const cropper = createSampleCropper();
/** The square of a sample, without a loader. */
async function squareOf(
  crop: Crop,
  at: { seed: number; epoch: number; sample: number },
): Promise<Uint8Array> {
  const { bytes, record } = files[at.sample] as (typeof files)[number];
  const placement = placeCrop(crop, record, at);
  const { side } = crop;
  return (await cropper.crop(bytes, record, { placement, side })).slice();
}
const rowOf = (pixels: Uint8Array, i: number) =>
  pixels.slice(i * SIDE * SIDE * 3, (i + 1) * SIDE * SIDE * 3);

async function collect(
  images: AsyncIterable<MeasuringImages>,
): Promise<{ sample: number; epoch: number; pixels: Uint8Array }[]> {
  const all = [];
  for await (const some of images)
    for (let i = 0; i < some.counted; i++)
      all.push({
        sample: some.samples[i] as number,
        epoch: some.epochs[i] as number,
        pixels: rowOf(some.pixels, i),
      });
  return all;
}

describe("training images through the loader", () => {
  it("are the crops that the seed, the epoch and the sample decide, each sample once an epoch", async () => {
    const images = await open();
    expect(images.imageSize).toEqual({ width: SIDE, height: SIDE });
    expect(images.size).toBe(25);
    const stream = await images.train({
      seed: 4,
      batch: 10,
      mirror: true,
      fromStep: 0,
    });
    const seen = new Set<string>();
    for (let step = 0; step < 5; step++) {
      const batch = await stream.batch(step);
      for (let i = 0; i < 10; i++) {
        const epoch = batch.epochs[i] as number;
        const sample = batch.samples[i] as number;
        seen.add(`${epoch} ${sample}`);
        expect(batch.labels[i]).toBe(images.label(sample));
        const want = await squareOf(training, { seed: 4, epoch, sample });
        expect(rowOf(batch.pixels, i)).toEqual(want);
      }
    }
    expect(seen.size).toBe(50);
    expect(stream.report()?.images).toBeGreaterThanOrEqual(50);
    await stream.close();
  });

  it("begin at any step, of some samples alone, mirrored or not", async () => {
    const images = await open();
    const samples = Int32Array.of(20, 3, 11, 7);
    const options = { samples, seed: 4, batch: 4, mirror: false, fromStep: 6 };
    const stream = await images.train(options);
    const batch = await stream.batch(6);
    expect([...batch.samples].toSorted((a, b) => a - b)).toEqual([
      3, 7, 11, 20,
    ]);
    const first = { seed: 4, epoch: 6, sample: batch.samples[0] as number };
    expect(rowOf(batch.pixels, 0)).toEqual(
      await squareOf({ ...training, mirror: false }, first),
    );
    await stream.close();
  });

  it("have a state that another run must share", async () => {
    const options = { seed: 4, batch: 5, mirror: true, fromStep: 0 };
    const [images, fewer] = [await open(), await open({ limit: 20 })];
    const streams = [
      await images.train(options),
      await images.train({ ...options, seed: 5 }),
      await fewer.train(options),
    ];
    const [saved, seeded, shortened] = streams.map((s) => s.state(7));
    const json: unknown = JSON.parse(JSON.stringify(saved));
    if (!saved || !seeded || !shortened) throw new Error("a state is missing");
    expect(checkOrderState(json, saved)).toBe(7);
    expect(() => checkOrderState(json, seeded)).toThrow(/seed: 4 then, 5 now/);
    expect(() => checkOrderState(json, shortened)).toThrow(
      /images an epoch: 25 then, 20 now/,
    );
    for (const stream of streams) await stream.close();
  });
});

describe("measured images through the loader", () => {
  it("are every sample once, the central square, however they fall into batches", async () => {
    const images = await open();
    const found = await collect(images.measure({ batch: 8 }));
    expect(found.map(({ sample }) => sample).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 25 }, (_, i) => i),
    );
    for (const { sample, pixels } of found)
      expect(pixels).toEqual(
        await squareOf(measuring, { seed: 9, epoch: 0, sample }),
      );
    const whole = await collect(images.measure({ batch: 1000 }));
    expect(whole).toEqual(found);
  });

  it("are several random views of each, one an epoch, if asked for", async () => {
    const random = { ...training, place: "random" as const };
    const images = await open({ measuring: random, views: 3 });
    const samples = Int32Array.of(2, 5);
    const found = await collect(images.measure({ samples, batch: 4 }));
    const views = found.map(({ sample, epoch }) => `${sample} ${epoch}`);
    expect(views.toSorted()).toEqual(
      ["2 0", "2 1", "2 2", "5 0", "5 1", "5 2"].toSorted(),
    );
    const [first, second] = found.filter(({ sample }) => sample === 2);
    expect(first?.pixels).not.toEqual(second?.pixels);
  });

  it("are the same round after round, of one loader, which fetches them once", async () => {
    let fetchedBytes = 0;
    const images = await open({
      fetched: (sizeBytes) => (fetchedBytes += sizeBytes),
    });
    const rounds = images.rounds({ batch: 10 });
    const first = await collect(rounds.images());
    expect(first).toHaveLength(25);
    // One that is given up in the middle does not move the next.
    for await (const some of rounds.images()) {
      expect(some.size).toBe(10);
      break;
    }
    expect(await collect(rounds.images())).toEqual(first);
    await rounds.close();
    const files = await findDatasetFiles(dataset.store, dataset.catalog);
    const tars = files.shards.map(({ entry }) => entry.sizeBytes);
    expect(fetchedBytes).toBeGreaterThan(0);
    expect(fetchedBytes).toBeLessThanOrEqual(tars.reduce((a, b) => a + b));
  });

  it("come in groups of one size in which each sample counts once", async () => {
    const samples = Int32Array.of(9, 1, 5, 3, 7, 21, 22);
    const groups = (await open()).groups(samples, 3);
    expect(groups.size).toBe(3);
    const counted: number[] = [];
    for await (const group of groups.images()) {
      expect(group.size).toBe(3);
      counted.push(...group.samples.subarray(0, group.counted));
    }
    await groups.close();
    expect(counted.toSorted((a, b) => a - b)).toEqual(
      Array.from(samples.toSorted()),
    );
  });
});
