/** Which tasks of a plan an estimate is given for, and from which of their parameters. */
import { expect, test } from "vitest";
import { estimateTrainingMemory } from "../../src/model/step-memory.ts";
import { movableDeclarations } from "../../src/model/encoder-weights.ts";
import { networkOf } from "../../src/model/networks.ts";
import type { Task } from "../../src/plan/plan.ts";
import { trainingMemoryOf } from "../../src/stages/training-memory.ts";

const taskOf = (kind: Task["kind"], params: Task["params"]) =>
  ({ name: kind, kind, params, inputs: {} }) as unknown as Task;
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
  const want = estimateTrainingMemory({
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

// Peaks of workers on a CPU, from their manifests: the end of a training, where nets are large and batches small, or a step.
const colorizing = (name: string, batch: number) =>
  taskOf("pretrain", {
    model: name,
    objective: { kind: "colorize" },
    steps: 3,
    batch,
    crop: { side: 224 },
    statistics: { images: 8 },
  });
const downstream = (from: string, params: Task["params"]) => ({
  ...taskOf("finetune", {
    protocol: { kind: "fixed", steps: 3 },
    ...params,
  }),
  inputs: { weights: [from] },
});
const segmentation = (trainFrom: string) =>
  downstream("vgg16", {
    task: "segmentation",
    batch: 2,
    crop: { side: 224 },
    trainFrom,
  });
const classification = (trainFrom: string) =>
  downstream("alexnet", {
    task: "multi-label",
    batch: 16,
    crop: { side: 227 },
    trainFrom,
  });
test.each([
  ["colorizing with AlexNet", colorizing("alexnet", 8), 2833, "end"],
  ["colorizing with ResNet-50", colorizing("resnet50", 8), 2426, "step"],
  ["colorizing with VGG-16", colorizing("vgg16", 2), 5175, "end"],
  ["segmenting with VGG-16", segmentation("all"), 7403, "end"],
  ["segmenting with a frozen VGG-16", segmentation("none"), 5569, "end"],
  ["classifying with AlexNet", classification("all"), 2824, "end"],
  ["classifying from conv4 on", classification("conv4"), 2728, "end"],
] as const)(
  "%s: within 15 %% of the peak that was measured",
  (_name, task, wantMiB, wantPeak) => {
    const before = ["alexnet", "vgg16"].map((name) => ({
      ...taskOf("initialize", { model: name }),
      name,
    }));
    const { memory } =
      trainingMemoryOf([...before, task]).find((row) => row.memory) ?? {};
    expect(memory?.peak).toBe(wantPeak);
    const ratio = (memory?.totalBytes ?? 0) / 2 ** 20 / wantMiB;
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  },
);

test("the network of a fine-tuning is found through what converts its weights", () => {
  const start = {
    ...taskOf("initialize", { model: "alexnet" }),
    name: "start",
  };
  const folded = {
    ...taskOf("convert", {}),
    name: "folded",
    inputs: { weights: ["start"] },
  };
  const task = classification("all");
  const [direct] = trainingMemoryOf([
    start,
    { ...task, inputs: { weights: ["start"] } },
  ]);
  const [found] = trainingMemoryOf([
    start,
    folded,
    { ...task, inputs: { weights: ["folded"] } },
  ]);
  expect(found?.memory).not.toBeNull();
  expect(found).toEqual(direct);
});

test("the network of an imported file is torchvision's, until it is converted", () => {
  const imported = {
    ...taskOf("initialize", {
      method: "imported",
      file: "vgg16.safetensors",
      arch: "vgg16",
      width: 0.25,
    }),
    name: "imported",
  };
  const maps = {
    ...taskOf("convert", { mode: "convolutional", input: "gray" }),
    name: "maps",
    inputs: { weights: ["imported"] },
  };
  const named = {
    ...taskOf("initialize", {
      model: { network: "vgg16", width: 0.25, batchNorm: "none" },
    }),
    name: "named",
  };
  const tuned = (from: string) =>
    downstream(from, { task: "multi-label", batch: 8, crop: { side: 224 } });
  const memoryOf = (from: string) =>
    trainingMemoryOf([imported, maps, named, tuned(from)])[0]?.memory;
  expect(memoryOf("named")).toMatchObject({ totalBytes: expect.any(Number) });
  expect(memoryOf("maps")).toEqual(memoryOf("named"));
  // Its fc6 has one cell, not 49, and reads colours.
  expect(memoryOf("imported")).not.toEqual(memoryOf("maps"));
});

test("of a file that says itself what it is a plan knows nothing, and of no batch norm nothing is measured", () => {
  const own = {
    ...taskOf("initialize", {
      method: "imported",
      file: "w.safetensors",
      names: "hueline",
    }),
    name: "own",
  };
  const task = downstream("own", { task: "multi-label", crop: { side: 64 } });
  expect(trainingMemoryOf([own, task])).toEqual([
    { task: "finetune", memory: null },
  ]);
  const peakOf = (batchNorm: string) =>
    trainingMemoryOf([
      taskOf("pretrain", {
        ...pretrain,
        model: { network: "vgg16", width: 0.25, batchNorm },
        crop: { side: 96 },
        batch: 1,
        statistics: { images: 1000 },
      }),
    ])[0]?.memory?.peak;
  expect(peakOf("parameter-free")).toBe("statistics");
  expect(peakOf("none")).not.toBe("statistics");
});

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
