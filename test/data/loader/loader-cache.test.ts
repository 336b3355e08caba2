import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLoader } from "../../../src/data/loader/open-loader.ts";
import { startLines } from "../../support/child-lines.ts";
import {
  openRank,
  openReading,
  readPart,
  type Part,
  type Reading,
} from "../../support/exactness.ts";
import {
  loaderOptions,
  packPhotographs,
  readStep,
  readSteps,
  upTo,
  type LoaderDataset,
  type SeenImage,
} from "../../support/loader-dataset.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";
import { waitFor } from "../../support/wait-for.ts";

const STEPS = 6;
let folder: string;
let dataset: LoaderDataset;
let wanted: SeenImage[][];
let removeFolder: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove: removeFolder } = await openTemporaryFolder());
  dataset = await packPhotographs(folder, { count: 90, shards: 4 });
  const options = loaderOptions(dataset, { workers: 1 });
  wanted = await readSteps(options, upTo(STEPS));
});
afterAll(() => removeFolder());

const cacheIn = (name: string, maxBytes = 2 ** 30) => ({
  directory: path.join(folder, name),
  maxBytes,
});

describe("a loader with a cache on disk", () => {
  it("reads the second time from the disk, to the same bytes, and believes no file that was cut off or changed", async () => {
    const cache = cacheIn("twice");
    const options = loaderOptions(dataset, { cache });
    expect(await readSteps(options, upTo(STEPS))).toEqual(wanted);
    const { blocks } = options.order;
    const again = await openLoader(options);
    for (const step of upTo(STEPS))
      expect(await readStep(again, step)).toEqual(wanted[step]);
    expect(again.report()).toMatchObject({
      requests: 0,
      cacheHits: blocks.length,
      cacheProblem: null,
    });
    await again.close();
    for (const [i, name] of readdirSync(cache.directory).entries()) {
      const file = path.join(cache.directory, name);
      const bytes = readFileSync(file);
      bytes[700] = (bytes[700] ?? 0) ^ 1;
      writeFileSync(file, i % 2 === 0 ? bytes : bytes.subarray(0, 900));
    }
    expect(await readSteps(options, upTo(STEPS))).toEqual(wanted);
  });

  it("holds blocks in files where memory is too small, within the limit of the folder", async () => {
    const options = loaderOptions(dataset, { batch: 16 });
    const { blocks } = options.order;
    const largest = Math.max(...blocks.map((b) => b.length));
    const all = blocks.reduce((sum, b) => sum + b.length, 0);
    // Blocks of eight streams in three quarters of the limit, and no more.
    const maxBytes = Math.ceil((8 * largest) / (3 / 4));
    expect(maxBytes).toBeLessThan(all);
    const cache = cacheIn("files", maxBytes);
    const small = { ...options, cache, maxBytes: 3 * 16 * 32 * 32 * 3 };
    expect(await readSteps(small, upTo(STEPS))).toEqual(wanted);
    const sizes = readdirSync(cache.directory).map(
      (name) => readFileSync(path.join(cache.directory, name)).length,
    );
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(maxBytes);
  });

  it("trains on and says so where the folder can not be written", async () => {
    writeFileSync(`${folder}/no-folder`, "");
    const cache = cacheIn("no-folder/x");
    const loader = await openLoader(loaderOptions(dataset, { cache }));
    expect(await readStep(loader, 0)).toEqual(wanted[0]);
    expect(loader.report().cacheProblem).toMatch(/ENOTDIR|EEXIST/);
    await loader.close();
  });
});

describe("processes with one cache on disk", () => {
  const script = fileURLToPath(
    new URL("../../support/loader-process.ts", import.meta.url),
  );
  const start = (reading: Reading) => {
    const world = { ranks: 1, workers: 2 };
    const given = { reading, world, rank: 0, fromStep: 0 };
    return startLines(script, [JSON.stringify(given)]);
  };
  const readingWith = (name: string): Reading => ({
    storeUrl: dataset.store.url,
    key: dataset.catalog.key,
    seed: 3,
    batch: 16,
    side: 40,
    fullShuffleBytes: 0,
    blockBytes: 4000,
    cacheDirectory: path.join(folder, name),
  });
  async function readHere(reading: Reading): Promise<Part[]> {
    const world = { ranks: 1, workers: 2, rank: 0, fromStep: 0 };
    const loader = await openRank(reading, await openReading(reading), world);
    const parts: Part[] = [];
    for (const step of upTo(STEPS)) parts.push(await readPart(loader, step));
    await loader.close();
    return parts;
  }
  let undisturbed: Part[];
  beforeAll(async () => {
    undisturbed = await readHere(readingWith("undisturbed"));
  });
  const filesIn = (directory: string): string[] =>
    existsSync(directory) ? readdirSync(directory) : [];

  it("get the same bytes when one is killed with -9 while it writes, whatever it left", async () => {
    const reading = readingWith("killed");
    const directory = reading.cacheDirectory as string;
    for (const files of [1, 8, 16]) {
      const child = start(reading);
      await waitFor("a file of the cache", () =>
        filesIn(directory).length >= files ? true : null,
      );
      await child.kill();
    }
    expect(await readHere(reading)).toEqual(undisturbed);
  });

  it("get the same bytes when they fill it at once", async () => {
    const reading = readingWith("shared");
    const children = [start(reading), start(reading)];
    await Promise.all(children.map((child) => child.untilLines(STEPS)));
    for (const child of children) await child.kill();
    for (const { lines } of children)
      expect(
        lines.slice(0, STEPS).map((line) => JSON.parse(line) as Part),
      ).toEqual(undisturbed);
    expect(await readHere(reading)).toEqual(undisturbed);
  });
});
