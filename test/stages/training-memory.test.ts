/** Which tasks of a plan an estimate is given for, and from which of their parameters. */
import { expect, test } from "vitest";
import { estimateStepMemory } from "../../src/model/step-memory.ts";
import { movableDeclarations } from "../../src/model/encoder-weights.ts";
import { networkOf } from "../../src/model/networks.ts";
import type { Task } from "../../src/plan/plan.ts";
import { trainingMemoryOf } from "../../src/stages/training-memory.ts";

const taskOf = (kind: Task["kind"], params: Task["params"]) =>
  ({ name: kind, kind, params }) as Task;
const pretrain = {
  model: { network: "vgg16", width: 0.25 },
  objective: { kind: "classify" },
  steps: 10,
  batch: 4,
  statistics: { images: 1 },
};

test("a pretraining is estimated from network, batch, side and what is declared of its computation", () => {
  const network = networkOf({
    network: "vgg16",
    input: "gray",
    width: 0.25,
    depth: 1,
    batchNorm: "parameter-free",
    mode: "convolutional",
  });
  const want = estimateStepMemory({
    network,
    side: 64,
    batch: 4,
    weights: movableDeclarations(network, "normalized"),
    hypercolumn: false,
    compute: { precision: "float32", recompute: true, xla: false },
  });
  const compute = { recompute: true };
  expect(
    trainingMemoryOf([taskOf("pretrain", { ...pretrain, side: 64, compute })]),
  ).toEqual([{ task: "pretrain", memory: want }]);
});

// Peaks of workers on two CPU cores, from their manifests.
test.each([
  [64, 730],
  [96, 827],
])(
  "where measuring statistics takes more than training, it counts: conv6 at %d pixels",
  (side, wantMB) => {
    const [found] = trainingMemoryOf([
      taskOf("pretrain", {
        model: "conv6",
        objective: { kind: "colorize", hidden: 128, bins: 16, locations: 64 },
        steps: 60,
        batch: 16,
        crop: { side },
        statistics: { images: 500 },
      }),
    ]);
    const ratio = (found?.memory?.totalBytes ?? 0) / 1e6 / wantMB;
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  },
);

test("the side of a crop is the side of the images", () => {
  const [bySide, byCrop] = trainingMemoryOf([
    taskOf("pretrain", { ...pretrain, side: 96 }),
    taskOf("pretrain", { ...pretrain, crop: { side: 96 } }),
  ]);
  expect(byCrop).toEqual(bySide);
  expect(byCrop?.memory?.totalBytes).toBeGreaterThan(420e6);
});

test("a pretraining on images as they are has no estimate, and what trains no new network no line", () => {
  expect(
    trainingMemoryOf([taskOf("shard", {}), taskOf("pretrain", pretrain)]),
  ).toEqual([{ task: "pretrain", memory: null }]);
});
