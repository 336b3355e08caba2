import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLoader } from "../../../src/data/loader/open-loader.ts";
import {
  loaderOptions,
  packPhotographs,
  readStep,
  readSteps,
  upTo,
  type LoaderDataset,
} from "../../support/loader-dataset.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

let folder: string;
let dataset: LoaderDataset;
let removeFolder: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove: removeFolder } = await openTemporaryFolder());
  dataset = await packPhotographs(folder, { count: 90, shards: 4 });
});
afterAll(() => removeFolder());

/** Turns the byte in the middle of a sample's file into another one; twice: it is as before. */
function damage(sample: number): void {
  const record = dataset.table.record(sample);
  const shard = dataset.shardPaths[dataset.table.shardOf(sample)] as string;
  const file = path.join(folder, "store", shard);
  const bytes = readFileSync(file);
  const at = record.offset + Math.floor(record.sizeBytes / 2);
  bytes[at] = (bytes[at] as number) ^ 0xff;
  writeFileSync(file, bytes);
}

describe("a loader that meets trouble", () => {
  it("gives every batch before the one with a damaged sample, names that one, and goes on when it is mended", async () => {
    const options = loaderOptions(dataset, { batch: 8 });
    const want = await readSteps(options, upTo(7));
    const sample = want[4]?.[3]?.sample as number;
    damage(sample);
    const loader = await openLoader(options);
    for (const step of upTo(4))
      expect(await readStep(loader, step)).toEqual(want[step]);
    const name = String(dataset.table.record(sample).source).padStart(8, "0");
    for (let again = 0; again < 2; again++)
      await expect(loader.batch(4)).rejects.toMatchObject({
        code: "data.shard-corrupt",
        message: expect.stringContaining(`sample ${name} fails its checksum`),
        hint: expect.stringMatching(/manifest \(cas\/[0-9a-f]{64}\/manifest/),
      });
    damage(sample);
    for (const step of [4, 5, 6])
      expect(await readStep(loader, step)).toEqual(want[step]);
    await loader.close();
  });

  it("names a shard that is not in the store, no later than a batch needs it", async () => {
    const options = loaderOptions(dataset, { batch: 1, workers: 1 });
    const { order } = options;
    const gone = 1;
    const first = upTo(90).findIndex(
      (position) => order.blocks[order.at(position).block]?.shard === gone,
    );
    const shardPaths = dataset.shardPaths.map((name, shard) =>
      shard === gone ? `${name}.gone` : name,
    );
    const loader = await openLoader({ ...options, shardPaths });
    let step = 0;
    const reading = async (): Promise<void> => {
      for (; step < 90; step++) await loader.batch(step);
    };
    await expect(reading()).rejects.toMatchObject({
      code: "data.shard-missing",
    });
    expect(step).toBeLessThanOrEqual(first);
    await loader.close();
  });

  it("fails instead of waiting when its threads can not work at all", async () => {
    const loader = await openLoader(
      loaderOptions(dataset, { storeUrl: "gopher://nowhere", workers: 1 }),
    );
    await expect(loader.batch(0)).rejects.toThrow(/gopher/);
    await expect(loader.batch(0)).rejects.toThrow(/gopher/);
    await loader.close();
  });
});
