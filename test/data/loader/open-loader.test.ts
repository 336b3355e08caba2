import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoppedError } from "../../../src/base/errors.ts";
import { createSampleCropper } from "../../../src/data/crops/crop-sample.ts";
import { placeCrop } from "../../../src/data/crops/place-crop.ts";
import type { Loader } from "../../../src/data/loader/loader.ts";
import {
  batchMemory,
  blockMemory,
} from "../../../src/data/loader/memory-pool.ts";
import { openLoader } from "../../../src/data/loader/open-loader.ts";
import type { TrainingOrder } from "../../../src/data/order/training-order.ts";
import {
  loaderOptions,
  packPhotographs,
  randomCrop,
  readStep,
  readSteps,
  upTo,
  type LoaderDataset,
  type SeenImage,
} from "../../support/loader-dataset.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

const COUNT = 90;
let folder: string;
let dataset: LoaderDataset;
let removeFolder: () => Promise<void>;
/** One loader for the tests that only ask it for steps, and what a loader with one thread says of the first of them. */
let loader: Loader;
let wanted: SeenImage[][];
beforeAll(async () => {
  ({ folder, remove: removeFolder } = await openTemporaryFolder());
  dataset = await packPhotographs(folder, { count: COUNT, shards: 4 });
  wanted = await readSteps(loaderOptions(dataset, { workers: 1 }), upTo(22));
  loader = await openLoader(loaderOptions(dataset, { workers: 3 }));
});
afterAll(async () => {
  await loader.close();
  await removeFolder();
});

describe("a loader", () => {
  it("gives each sample once an epoch, and the same bytes on any number of threads", async () => {
    for (const step of upTo(12))
      expect(await readStep(loader, step)).toEqual(wanted[step]);
    const firstEpoch = wanted.flat().slice(0, COUNT);
    expect(
      firstEpoch.map(({ sample }) => sample).toSorted((a, b) => a - b),
    ).toEqual(upTo(COUNT));
  });

  it("gives the images of the order, each the square that the cropper makes of its file", async () => {
    const { order } = loaderOptions(dataset);
    const { pixels, samples, epochs, labels } = await loader.batch(0);
    const cropper = createSampleCropper();
    for (let i = 0; i < 16; i++) {
      const placed = order.at(i);
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
  });

  it("gives any step that is asked for, forwards, backwards and twice", async () => {
    for (const step of [19, 20, 3, 3, 4, 21, 0, 1, 2, 2, 1])
      expect(await readStep(loader, step)).toEqual(wanted[step]);
  });

  it("keeps a batch as it is until the second call after it", async () => {
    const first = await loader.batch(5);
    const crc = crc32(first.pixels);
    await loader.batch(6);
    for (let turn = 0; turn < 20; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    expect(crc32(first.pixels)).toBe(crc);
  });

  it("answers several calls that do not wait for each other, in their order", async () => {
    const found = await Promise.all(
      [8, 9, 10].map((step) => readStep(loader, step)),
    );
    expect(found).toEqual(wanted.slice(8, 11));
  });

  it.each([
    { name: "streams", fullShuffleBytes: 0, ranks: 4 },
    { name: "one shuffle", fullShuffleBytes: 2 ** 30, ranks: 2 },
  ])(
    "gives ranks their parts of the same batches, to the pixel, in $name",
    async ({ fullShuffleBytes, ranks }) => {
      const options = loaderOptions(dataset, { fullShuffleBytes, workers: 1 });
      const whole =
        fullShuffleBytes === 0 ? wanted : await readSteps(options, upTo(8));
      const parts: SeenImage[][][] = [];
      for (const rank of upTo(ranks))
        parts.push(await readSteps({ ...options, rank, ranks }, upTo(8)));
      for (const step of upTo(8)) {
        const together = upTo(16).map(
          (i) => parts[i % ranks]?.[step]?.[Math.floor(i / ranks)],
        );
        expect(together).toEqual(whole[step]);
      }
    },
  );

  it("reads each block once an epoch where there is room for what is in use alone", async () => {
    const options = loaderOptions(dataset, { batch: 8 });
    const { blocks } = options.order;
    const all = blocks.reduce((sum, b) => sum + b.length, 0);
    const largest = Math.max(...blocks.map((b) => b.length));
    expect(8 * largest).toBeLessThan(all);
    const maxBytes = 4 * (8 * 32 * 32 * 3) + 8 * largest;
    const tight = await openLoader({ ...options, maxBytes });
    const steps = 48;
    const found: SeenImage[][] = [];
    for (const step of upTo(steps)) found.push(await readStep(tight, step));
    expect(found.slice(0, 44).flat()).toEqual(wanted.flat().slice(0, 44 * 8));
    const { requests, heldBytes } = tight.report();
    expect(heldBytes).toBeLessThanOrEqual(maxBytes);
    // Four batches are made ahead, and of the blocks that follow those are fetched that find room.
    const most = countUses(options.order, {
      before: (steps + 4) * 8,
      room: 8 * largest,
    });
    // Of four epochs: some blocks are still there from the one before.
    expect(requests).toBeGreaterThan(2 * blocks.length);
    expect(requests).toBeLessThanOrEqual(most);
    // A block that is read for each of its images would be noticed.
    expect(most).toBeLessThan(steps * 8);
    await tight.close();
  });

  it("reads what fits in memory once, and uses the memory of loaders that are closed", async () => {
    const options = loaderOptions(dataset, { workers: 1 });
    const { blocks } = options.order;
    const all = blocks.reduce((sum, b) => sum + b.length, 0);
    await (await openLoader(options)).close();
    const held = [blockMemory.heldBytes, batchMemory.heldBytes];
    const next = await openLoader({ ...options, batch: 8 });
    for (const step of upTo(24)) await next.batch(step);
    expect([blockMemory.heldBytes, batchMemory.heldBytes]).toEqual(held);
    const { requests, bytesFetched } = next.report();
    expect(requests).toBe(blocks.length);
    expect(bytesFetched).toBe(all);
    await next.close();
    await next.close();
    expect([blockMemory.heldBytes, batchMemory.heldBytes]).toEqual(held);
  });

  it("is refused with the numbers where its order needs more memory than it may have", async () => {
    await expect(
      openLoader(loaderOptions(dataset, { maxBytes: 2 ** 17 })),
    ).rejects.toMatchObject({
      code: "data.loader-memory",
      message: expect.stringMatching(/MiB for the blocks in use/),
      hint: expect.stringMatching(
        /resources\.memory of the stage to \d+ MiB .* HUELINE_CACHE,/,
      ),
    });
  });
});

describe("a loader that ends", () => {
  it("refuses whoever waits when it is closed in the middle of decoding, and all who come later", async () => {
    const own = await openLoader(loaderOptions(dataset, { batch: 80 }));
    await own.batch(0);
    const waiting = own.batch(1).then(
      () => own.batch(2),
      (thrown: unknown) => Promise.reject(thrown),
    );
    await Promise.all([
      expect(waiting).rejects.toThrow(StoppedError),
      own.close(),
    ]);
    await expect(own.batch(0)).rejects.toThrow(StoppedError);
  });

  it("stops when its signal says so", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const own = await openLoader(loaderOptions(dataset, { signal }));
    const waiting = own.batch(0);
    controller.abort();
    await expect(waiting).rejects.toThrow(StoppedError);
    await own.close();
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

/** One a block and epoch: those that the samples before a position need, and as many of the next as have room together. */
function countUses(
  order: TrainingOrder,
  { before, room }: { readonly before: number; readonly room: number },
): number {
  let count = 0;
  let left = room;
  for (const { block, first } of order.blocksOf({ rank: 0, ranks: 1 }, 0)) {
    if (first >= before) left -= block.length;
    if (left < 0) break;
    count++;
  }
  return count;
}
