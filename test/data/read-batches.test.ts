import { afterAll, beforeAll, expect, it } from "vitest";
import { findDatasetFiles } from "../../src/data/dataset-files.ts";
import { sampleAt } from "../../src/data/order/full-order.ts";
import {
  readBatches,
  type BatchRequest,
  type BatchSums,
} from "../../src/data/read-batches.ts";
import type { DatasetArtifacts } from "../support/dataset-artifacts.ts";
import { createPhotographs, packFiles } from "../support/packed-photographs.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

let temporary: Awaited<ReturnType<typeof openTemporaryFolder>>;
let packed: DatasetArtifacts;
let whole: BatchSums[];
beforeAll(async () => {
  temporary = await openTemporaryFolder();
  packed = await packFiles(temporary.folder, {
    files: await createPhotographs(40),
    shards: 2,
  });
  whole = await read({});
});
afterAll(async () => {
  await temporary.remove();
});

const request = {
  seed: 9,
  epoch: 1,
  fromStep: 0,
  steps: 6,
  batch: 8,
  rank: 0,
  ranks: 1,
  workers: 1,
  crop: "48",
};

async function read(change: Partial<BatchRequest>): Promise<BatchSums[]> {
  const { signal } = new AbortController();
  const asked = { ...request, signal, ...change };
  const batches: BatchSums[] = [];
  for await (const batch of readBatches(packed.store, packed.catalog, asked))
    batches.push(batch);
  return batches;
}

it("names each image of each batch, in the order of the training", async () => {
  const { catalog, shards } = await findDatasetFiles(
    packed.store,
    packed.catalog,
  );
  const records = [];
  for (const shard of shards)
    records.push(...(await shard.readIndex()).samples);
  expect(whole.map(({ step }) => step)).toEqual([5, 6, 7, 8, 9, 10]);
  for (const { step, samples, labels, epochs } of whole)
    for (const [i, name] of samples.entries()) {
      const at = sampleAt({ seed: 9, size: 40 }, step * 8 + i);
      const record = records[at.sample];
      expect(name).toBe(String(record?.source).padStart(8, "0"));
      expect(labels[i]).toBe(catalog.classes[record?.label ?? -1]);
      expect(epochs[i]).toBe(at.epoch);
    }
});

it("says the same of an image whichever rank reads it, on any number of workers, from any step", async () => {
  const share = { ranks: 2, rank: 1, workers: 3, fromStep: 2, steps: 3 };
  const odd = (values: readonly string[]) => values.filter((_, i) => i % 2);
  const part = await read(share);
  expect(part.map(({ samples, pixels }) => ({ samples, pixels }))).toEqual(
    whole.slice(2, 5).map(({ samples, pixels }) => ({
      samples: odd(samples),
      pixels: odd(pixels),
    })),
  );
});

it("says other things of the same image in another epoch, or with another crop", async () => {
  const sumsOf = (batches: readonly BatchSums[], epoch: number) =>
    new Map(
      batches.flatMap(({ samples, pixels, epochs }) =>
        samples
          .map((name, i) => [name, pixels[i]] as const)
          .filter((_, i) => epochs[i] === epoch),
      ),
    );
  const first = sumsOf(whole, 1);
  expect(first.size).toBe(40);
  const others = [
    sumsOf(whole, 2),
    sumsOf(await read({ crop: '{"side": 48, "scale": "none"}' }), 1),
  ];
  for (const other of others) {
    expect(other.size).toBeGreaterThan(7);
    for (const [name, pixels] of other)
      expect(pixels).not.toBe(first.get(name));
  }
});

it.each(["", "big", "{", '{"side": 48, "scael": "none"}', "4"])(
  "refuses the crop %j and shows one that it takes",
  async (crop) => {
    await expect(read({ crop })).rejects.toMatchObject({
      code: "data.bad-crop",
      hint: expect.stringContaining('"side": 224'),
    });
  },
);
