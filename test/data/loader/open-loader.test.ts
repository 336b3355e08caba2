import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoppedError } from "../../../src/base/errors.ts";
import { createSampleCropper } from "../../../src/data/crops/crop-sample.ts";
import { placeCrop } from "../../../src/data/crops/place-crop.ts";
import type { LoaderOptions } from "../../../src/data/loader/loader.ts";
import { openLoader } from "../../../src/data/loader/open-loader.ts";
import {
  loaderOptions,
  packPhotographs,
  randomCrop,
  type LoaderDataset,
} from "../../support/loader-dataset.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

const COUNT = 90;
let folder: string;
let dataset: LoaderDataset;
let removeFolder: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove: removeFolder } = await openTemporaryFolder());
  dataset = await packPhotographs(folder, { count: COUNT, shards: 4 });
});
afterAll(() => removeFolder());

type Seen = {
  readonly crc: number;
  readonly samples: readonly number[];
};

/** What each of some steps gives. */
async function readSteps(
  options: LoaderOptions,
  steps: readonly number[],
): Promise<Seen[]> {
  const loader = await openLoader({ ...options, fromStep: steps[0] ?? 0 });
  try {
    const seen: Seen[] = [];
    for (const step of steps) {
      const { pixels, samples } = await loader.batch(step);
      seen.push({ crc: crc32(pixels), samples: [...samples] });
    }
    return seen;
  } finally {
    await loader.close();
  }
}

const upTo = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => i);

describe("a loader", () => {
  it("gives the images of the order, each the square that the cropper makes of its file", async () => {
    const options = loaderOptions(dataset);
    const loader = await openLoader(options);
    const { pixels, samples, epochs, labels } = await loader.batch(0);
    const cropper = createSampleCropper();
    for (let i = 0; i < 16; i++) {
      const placed = options.order.at(i);
      expect(samples[i]).toBe(placed.sample);
      expect(epochs[i]).toBe(placed.epoch);
      expect(labels[i]).toBe(dataset.table.label(placed.sample));
      const record = dataset.table.record(placed.sample);
      const tar = await dataset.store.read(
        dataset.shardPaths[dataset.table.shardOf(placed.sample)] as string,
        { offset: record.offset, length: record.sizeBytes },
      );
      const placement = placeCrop(randomCrop, record, { ...placed, seed: 1 });
      const want = await cropper.crop(Buffer.from(tar ?? []), record, {
        placement,
        side: 32,
      });
      const found = pixels.subarray(i * 32 * 32 * 3, (i + 1) * 32 * 32 * 3);
      expect(Buffer.from(found).equals(want)).toBe(true);
    }
    await loader.close();
  });

  it("gives each sample once an epoch, and the same bytes on any number of threads", async () => {
    const steps = upTo(12);
    const one = await readSteps(loaderOptions(dataset, { workers: 1 }), steps);
    const three = await readSteps(
      loaderOptions(dataset, { workers: 3 }),
      steps,
    );
    expect(three).toEqual(one);
    const firstEpoch = one.flatMap(({ samples }) => samples).slice(0, COUNT);
    expect(firstEpoch.toSorted((a, b) => a - b)).toEqual(upTo(COUNT));
  });

  it.each([0, 2 ** 30])(
    "gives ranks their parts of the same batches (full shuffle up to %d bytes)",
    async (fullShuffleBytes) => {
      const options = loaderOptions(dataset, { fullShuffleBytes });
      const whole = await readSteps(options, upTo(8));
      const parts: Seen[][] = [];
      for (const rank of [0, 1, 2, 3])
        parts.push(
          await readSteps({ ...options, rank, ranks: 4, workers: 1 }, upTo(8)),
        );
      for (const step of upTo(8)) {
        const together = upTo(16).map(
          (i) => parts[i % 4]?.[step]?.samples[Math.floor(i / 4)],
        );
        expect(together).toEqual(whole[step]?.samples);
      }
    },
  );

  it("gives any step that is asked for, forwards, backwards and twice", async () => {
    const options = loaderOptions(dataset);
    const inOrder = await readSteps(options, upTo(30));
    const jumps = [25, 26, 3, 3, 4, 29, 0, 1, 2, 2, 1];
    expect(await readSteps(options, jumps)).toEqual(
      jumps.map((step) => inOrder[step]),
    );
  });

  it("keeps a batch as it is until the second call after it", async () => {
    const loader = await openLoader(loaderOptions(dataset));
    const first = await loader.batch(0);
    const crc = crc32(first.pixels);
    await loader.batch(1);
    for (let turn = 0; turn < 20; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    expect(crc32(first.pixels)).toBe(crc);
    await loader.close();
  });

  it("answers several calls that do not wait for each other, in their order", async () => {
    const options = loaderOptions(dataset);
    const want = await readSteps(options, upTo(3));
    const loader = await openLoader(options);
    const found = await Promise.all(
      upTo(3).map(async (step) => [...(await loader.batch(step)).samples]),
    );
    expect(found).toEqual(want.map(({ samples }) => samples));
    await loader.close();
  });

  it("reads each block once an epoch where there is room for what is in use alone", async () => {
    const options = loaderOptions(dataset, { batch: 8 });
    const all = options.order.blocks.reduce((sum, b) => sum + b.length, 0);
    const largest = Math.max(...options.order.blocks.map((b) => b.length));
    const slotBytes = 8 * 32 * 32 * 3;
    const tight = { ...options, maxBytes: 4 * slotBytes + 8 * largest };
    expect(8 * largest).toBeLessThan(all);
    const loader = await openLoader(tight);
    const roomy = await readSteps(options, upTo(22));
    for (const step of upTo(22)) {
      const { pixels } = await loader.batch(step);
      expect(crc32(pixels)).toBe(roomy[step]?.crc);
    }
    const { requests, heldBytes } = loader.report();
    expect(heldBytes).toBeLessThanOrEqual(tight.maxBytes);
    // Two epochs, and what is fetched ahead.
    expect(requests).toBeGreaterThan(options.order.blocks.length);
    expect(requests).toBeLessThanOrEqual(2 * options.order.blocks.length + 8);
    await loader.close();
  });

  it("reads what fits in memory once", async () => {
    const loader = await openLoader(loaderOptions(dataset));
    for (const step of upTo(20)) await loader.batch(step);
    const { requests, bytesFetched } = loader.report();
    const { blocks } = loaderOptions(dataset).order;
    expect(requests).toBe(blocks.length);
    expect(bytesFetched).toBe(blocks.reduce((sum, b) => sum + b.length, 0));
    await loader.close();
  });

  it("is refused with the numbers where its order needs more memory than it may have", async () => {
    await expect(
      openLoader(loaderOptions(dataset, { maxBytes: 2 ** 17 })),
    ).rejects.toMatchObject({
      code: "data.loader-memory",
      message: expect.stringMatching(/MiB for the blocks in use/),
    });
  });
});

describe("a loader with a cache on disk", () => {
  it("reads the second time from the disk, and gives the same bytes", async () => {
    const cache = { directory: `${folder}/cache-twice`, maxBytes: 2 ** 30 };
    const options = loaderOptions(dataset, { cache });
    const first = await readSteps(options, upTo(6));
    const loader = await openLoader(options);
    for (const step of upTo(6))
      expect(crc32((await loader.batch(step)).pixels)).toBe(first[step]?.crc);
    const { requests, cacheHits, cacheProblem } = loader.report();
    expect({ requests, cacheProblem }).toEqual({
      requests: 0,
      cacheProblem: null,
    });
    expect(cacheHits).toBe(options.order.blocks.length);
    await loader.close();
  });

  it("holds blocks in files where memory is too small", async () => {
    const cache = { directory: `${folder}/cache-files`, maxBytes: 2 ** 30 };
    const options = loaderOptions(dataset);
    const small = { ...options, cache, maxBytes: 3 * 16 * 32 * 32 * 3 };
    expect(await readSteps(small, upTo(12))).toEqual(
      await readSteps(options, upTo(12)),
    );
  });

  it("believes no file that was cut off or changed", async () => {
    const cache = { directory: `${folder}/cache-bad`, maxBytes: 2 ** 30 };
    const options = loaderOptions(dataset, { cache });
    const want = await readSteps(options, upTo(6));
    for (const [i, name] of readdirSync(cache.directory).entries()) {
      const file = path.join(cache.directory, name);
      const bytes = readFileSync(file);
      bytes[700] = (bytes[700] ?? 0) ^ 1;
      writeFileSync(file, i % 2 === 0 ? bytes : bytes.subarray(0, 900));
    }
    expect(await readSteps(options, upTo(6))).toEqual(want);
  });

  it("trains on and says so where the folder can not be written", async () => {
    writeFileSync(`${folder}/no-folder`, "");
    const cache = { directory: `${folder}/no-folder/x`, maxBytes: 2 ** 30 };
    const loader = await openLoader(loaderOptions(dataset, { cache }));
    await loader.batch(0);
    expect(loader.report().cacheProblem).toMatch(/ENOTDIR|EEXIST/);
    await loader.close();
  });
});

describe("a loader that meets trouble", () => {
  /** A copy of the dataset's store, in which the byte in the middle of a sample's file is another one. */
  function damage(sample: number): LoaderDataset {
    const record = dataset.table.record(sample);
    const shard = dataset.shardPaths[dataset.table.shardOf(sample)] as string;
    const file = path.join(folder, "store", shard);
    const bytes = readFileSync(file);
    const at = record.offset + Math.floor(record.sizeBytes / 2);
    bytes[at] = (bytes[at] as number) ^ 0xff;
    writeFileSync(file, bytes);
    return dataset;
  }

  it("names the sample whose bytes are not those of the index, when its batch comes, and goes on when it is mended", async () => {
    const options = loaderOptions(dataset, { batch: 8 });
    const want = await readSteps(options, upTo(10));
    const sample = want[4]?.samples[3] as number;
    damage(sample);
    const loader = await openLoader(options);
    for (const step of upTo(4)) await loader.batch(step);
    const name = String(dataset.table.record(sample).source).padStart(8, "0");
    await expect(loader.batch(4)).rejects.toMatchObject({
      code: "data.shard-corrupt",
      message: expect.stringContaining(`sample ${name} fails its checksum`),
      hint: expect.stringMatching(/manifest \(cas\/[0-9a-f]{64}\/manifest/),
    });
    damage(sample);
    expect(crc32((await loader.batch(4)).pixels)).toBe(want[4]?.crc);
    expect(crc32((await loader.batch(5)).pixels)).toBe(want[5]?.crc);
    await loader.close();
  });

  it("names a shard that is not in the store", async () => {
    const loader = await openLoader({
      ...loaderOptions(dataset),
      shardPaths: dataset.shardPaths.map((name) => `${name}.gone`),
    });
    await expect(loader.batch(0)).rejects.toMatchObject({
      code: "data.shard-missing",
    });
    await loader.close();
  });

  it("fails instead of waiting when its threads can not work at all", async () => {
    const loader = await openLoader(
      loaderOptions(dataset, { storeUrl: "gopher://nowhere" }),
    );
    await expect(loader.batch(0)).rejects.toThrow(/gopher/);
    await expect(loader.batch(0)).rejects.toThrow(/gopher/);
    await loader.close();
  });

  it("refuses whoever waits when it is closed, and all who come later", async () => {
    const loader = await openLoader(loaderOptions(dataset, { batch: 80 }));
    const waiting = loader.batch(0);
    await Promise.all([
      expect(waiting).rejects.toThrow(StoppedError),
      loader.close(),
    ]);
    await expect(loader.batch(0)).rejects.toThrow(StoppedError);
  });

  it("stops when its signal says so", async () => {
    const controller = new AbortController();
    const loader = await openLoader(
      loaderOptions(dataset, { signal: controller.signal }),
    );
    const waiting = loader.batch(0);
    controller.abort();
    await expect(waiting).rejects.toThrow(StoppedError);
    await loader.close();
  });

  it("can be closed at any moment of decoding", async () => {
    for (let round = 0; round < 4; round++) {
      const loader = await openLoader(loaderOptions(dataset));
      await loader.batch(round);
      await loader.close();
    }
  });

  it("lets a program exit with its own code in the middle of decoding", async () => {
    const script = fileURLToPath(
      new URL("../../support/exiting-loader.ts", import.meta.url),
    );
    const child = spawn(process.execPath, [script, `${folder}/exiting`], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    expect(await once(child, "exit")).toEqual([7, null]);
  });
});
