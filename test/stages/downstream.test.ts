/** Segmentation and multi-label classification from first weights to scores, on a few photographs in a VOC layout. */
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VOC_CLASSES } from "../../src/data/sources/voc-labels.ts";
import { decodeSafetensors } from "../../src/store/artifacts/safetensors.ts";
import { readArtifactFile } from "../../src/store/artifacts/artifact.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import { createFileStore } from "../../src/store/fs.ts";
import type { Store } from "../../src/store/store.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import {
  readPhotographs,
  toSharp,
  writeFiles,
} from "../support/photographs.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";
import { scales, torchvisionFile } from "../support/torchvision-files.ts";
import {
  readText,
  runTrainingStage,
  sumsOf,
} from "../support/training-stages.ts";

const COUNT = 24;
const SIZES = [
  { width: 48, height: 40 },
  { width: 36, height: 44 },
];

let store: Store;
let withMasks: Manifest;
let withLabels: Manifest;
let weights: Manifest;
let remove: () => Promise<void>;
afterAll(() => remove());

/** Dark halves of a photograph are aeroplanes, the rest is background, and its frame is void: a class that gray tells. */
async function maskOf(gray: Buffer, width: number, height: number) {
  const classes = Buffer.from(gray.map((value) => (value < 110 ? 1 : 0)));
  for (let x = 0; x < width; x++) classes[x] = 255;
  return sharp(classes, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toBuffer();
}

beforeAll(async () => {
  const temporary = await openTemporaryFolder();
  remove = temporary.remove;
  const folder = path.join(temporary.folder, "voc");
  const files: Record<string, Uint8Array | string> = {};
  const ids: string[] = [];
  const dark: string[] = [];
  for (const [i, image] of (await readPhotographs(COUNT)).entries()) {
    const id = `p${String(i).padStart(2, "0")}`;
    const size = SIZES[i % 2] as (typeof SIZES)[number];
    const picture = toSharp(image).resize({ ...size, fit: "fill" });
    files[`JPEGImages/${id}.jpg`] = await picture.jpeg().toBuffer();
    const gray = await picture.grayscale().raw().toBuffer();
    files[`SegmentationClass/${id}.png`] = await maskOf(
      gray,
      size.width,
      size.height,
    );
    const mean = gray.reduce((sum, value) => sum + value, 0) / gray.length;
    dark.push(`${id} ${i === 5 ? 0 : mean < 120 ? 1 : -1}`);
    ids.push(id);
  }
  const cats = ids.map((id, i) => `${id} ${i % 3 === 0 ? 1 : -1}`);
  writeFiles(folder, {
    ...files,
    "ImageSets/Segmentation/train.txt": ids.join("\n"),
    "ImageSets/Main/train.txt": ids.join("\n"),
    "ImageSets/Main/boat_train.txt": dark.join("\n"),
    "ImageSets/Main/cat_train.txt": cats.join("\n"),
  });
  store = createFileStore({ directory: path.join(temporary.folder, "store") });
  const pack = async (masks: boolean) =>
    (
      await packDataset(
        { source: folder, format: "voc", masks, shards: 2 },
        { store },
      )
    ).catalog;
  withMasks = await pack(true);
  withLabels = await pack(false);
  weights = (
    await runTrainingStage({
      kind: "initialize",
      store,
      seed: 3,
      inputs: { data: withLabels },
      params: {
        model: "conv6",
        side: 32,
        statistics: { images: 20 },
      },
    })
  ).manifest;
}, 120_000);

const segmentationTask = {
  kind: "segmentation",
  locations: 24,
  border: 2,
  hidden: 16,
  dropout: 0.2,
  hiddenInit: "xavier",
  fieldOfView: { blocks: 1, width: 8 },
};

const finetune = (
  data: Manifest,
  params: Record<string, unknown>,
  more: Partial<Parameters<typeof runTrainingStage>[0]> = {},
) =>
  runTrainingStage({
    kind: "finetune",
    store,
    seed: 3,
    inputs: { weights, data },
    params: {
      batch: 8,
      crop: { side: 32 },
      protocol: { kind: "fixed", steps: 4 },
      optimizer: { clipNorm: 1 },
      ...params,
    },
    ...more,
  });

const evaluate = (
  model: Manifest,
  data: Manifest,
  params: Record<string, unknown>,
) =>
  runTrainingStage({
    kind: "evaluate",
    store,
    inputs: { model, data },
    params,
  });

const tensorsOf = async (manifest: Manifest, path: string) =>
  decodeSafetensors(await readArtifactFile(store, manifest, path)).tensors;

const jsonOf = async (manifest: Manifest, path: string) =>
  JSON.parse(await readText(store, manifest, path)) as Record<string, unknown>;

describe("segmentation", () => {
  test("stands on an imported classifier that was made convolutional, shown colours, under a hypercolumn and field-of-view blocks", async () => {
    const { folder, remove: removeFile } = await openTemporaryFolder();
    const file = path.join(folder, "vgg16.safetensors");
    writeFiles(folder, { "vgg16.safetensors": torchvisionFile("vgg16") });
    const imported = await runTrainingStage({
      kind: "initialize",
      store,
      inputs: {},
      params: { method: "imported", file, arch: "vgg16", ...scales.vgg16 },
    });
    await removeFile();
    const converted = await runTrainingStage({
      kind: "convert",
      store,
      inputs: { weights: imported.manifest, data: withLabels },
      params: {
        mode: "convolutional",
        rebalance: { images: 20 },
        crop: { side: 32 },
      },
    });
    const { manifest } = await finetune(
      withMasks,
      {
        input: "rgb",
        task: {
          ...segmentationTask,
          fieldOfView: { blocks: 2, width: 8 },
        },
        protocol: {
          kind: "fixed",
          steps: 60,
          schedule: { kind: "constant" },
        },
      },
      { inputs: { weights: converted.manifest, data: withMasks } },
    );
    const tensors = await tensorsOf(manifest, "model.safetensors");
    // The image, eight convolutions, fc6 and fc7, two blocks.
    const wantWidth = 3 + (2 + 4 + 2 * 8 + 4 * 16) + 2 * 128 + 2 * 8;
    expect(tensors.get("head/hidden/weight")?.shape).toEqual([wantWidth, 16]);
    expect([...tensors.keys()]).toEqual(
      expect.arrayContaining(["conv8_1/weight", "conv9_1/weight"]),
    );
    const scored = await evaluate(manifest, withMasks, {
      task: "segmentation",
    });
    const { miou, backgroundMiou } = scored.manifest.metrics;
    expect(miou).toBeGreaterThan((backgroundMiou as number) + 0.05);
  });

  test("learns from sampled places and is measured on every pixel of every image that is not void", async () => {
    const trained = (
      await finetune(withMasks, {
        task: segmentationTask,
        protocol: {
          kind: "fixed",
          steps: 60,
          schedule: { kind: "constant" },
        },
      })
    ).manifest;
    expect(await jsonOf(trained, "model.json")).toMatchObject({
      kind: "segmenter",
      classes: ["background", ...VOC_CLASSES],
      task: { kind: "segmentation", hidden: 16 },
    });
    const scored = (
      await evaluate(trained, withMasks, { task: "segmentation", pictures: 2 })
    ).manifest;
    // Whole images of both sizes, without the void row above each.
    const wantPixels =
      (COUNT / 2) *
      SIZES.reduce((sum, { width, height }) => sum + width * (height - 1), 0);
    const { miou, pixelAccuracy, pixels, classes, backgroundMiou } =
      scored.metrics;
    expect(pixels).toBe(wantPixels);
    expect(classes).toBe(2);
    expect(scored.metrics["iou/background"]).toBeGreaterThan(0);
    expect(scored.metrics["iou/dog"]).toBeUndefined();
    // Dark and bright halves are told apart, which nobody can who sees background everywhere.
    expect(miou).toBeGreaterThan((backgroundMiou as number) + 0.1);
    expect(pixelAccuracy).toBeGreaterThan(0.7);
    const rows = (await readText(store, scored, "confusion.csv"))
      .trim()
      .split("\n");
    expect(rows).toHaveLength(22);
    const counts = rows
      .slice(1)
      .flatMap((row) => row.split(",").slice(1).map(Number));
    expect(counts.reduce((a, b) => a + b, 0)).toBe(wantPixels);
    const { length } = JSON.parse(
      await readText(store, scored, "pictures.json"),
    ) as unknown[];
    expect(length).toBe(2);
  }, 120_000);

  test("images are padded to a multiple of the total stride, and the size of batches changes nothing", async () => {
    const trained = (await finetune(withMasks, { task: segmentationTask }))
      .manifest;
    const scores = [];
    for (const batch of [1, 7])
      scores.push(
        (
          await evaluate(trained, withMasks, {
            task: "segmentation",
            batch,
            pictures: 0,
          })
        ).manifest.metrics,
      );
    expect(scores[0]).toEqual(scores[1]);
  }, 120_000);

  test("early stopping decides by the mean intersection over union of held-out images", async () => {
    const { manifest } = await finetune(withMasks, {
      task: segmentationTask,
      protocol: {
        kind: "early-stop",
        validation: 0.25,
        every: 2,
        patience: 1,
        drops: 1,
        maxSteps: 6,
      },
    });
    const scores = (await readText(store, manifest, "metrics.jsonl"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string; value: number })
      .filter(({ name }) => name === "validation-miou");
    expect(scores.length).toBeGreaterThanOrEqual(2);
    expect(manifest.metrics["validationMiou"]).toBe(
      Math.max(...scores.map(({ value }) => value)),
    );
  }, 120_000);

  test("data without masks is refused, with what to pack instead", async () => {
    await expect(
      finetune(withLabels, { task: segmentationTask }),
    ).rejects.toMatchObject({ name: "UserError", code: "data.no-masks" });
  });
});

describe("which layers are trained", () => {
  const changedBy = async (trainFrom: string) => {
    const params = { task: segmentationTask, trainFrom };
    const [one, two] = [
      (await finetune(withMasks, params)).manifest,
      (
        await finetune(withMasks, {
          ...params,
          protocol: { kind: "fixed", steps: 8 },
        })
      ).manifest,
    ];
    const before = await tensorsOf(one, "model.safetensors");
    const after = await tensorsOf(two, "model.safetensors");
    return [...before]
      .filter(
        ([name, { bytes }]) =>
          Buffer.compare(bytes, after.get(name)?.bytes ?? Buffer.alloc(0)) !==
          0,
      )
      .map(([name]) => name.split("/")[0]);
  };

  test.each([
    ["none", ["conv8_1", "head"]],
    ["conv5", ["conv5", "conv6", "conv8_1", "head"]],
    [
      "all",
      ["conv1", "conv2", "conv3", "conv4", "conv5", "conv6", "conv8_1", "head"],
    ],
  ])(
    "trainFrom %s moves %j",
    async (trainFrom, want) => {
      expect(new Set(await changedBy(trainFrom))).toEqual(new Set(want));
    },
    120_000,
  );

  test("a layer that there is not is told with those that there are", async () => {
    await expect(
      finetune(withMasks, { task: segmentationTask, trainFrom: "fc6" }),
    ).rejects.toMatchObject({
      code: "finetune.unknown-layer",
      hint: expect.stringContaining("conv6") as string,
    });
  });
});

describe("colour input", () => {
  test("a network for colours is trained and measured on them, and shown gray it is another model", async () => {
    const colored = (
      await runTrainingStage({
        kind: "initialize",
        store,
        seed: 3,
        inputs: { data: withLabels },
        params: {
          model: { network: "conv6", input: "rgb" },
          side: 32,
          statistics: { images: 20 },
        },
      })
    ).manifest;
    const inputs = { weights: colored, data: withMasks };
    const trained = async (input: string) =>
      (await finetune(withMasks, { task: segmentationTask, input }, { inputs }))
        .manifest;
    const model = await trained("rgb");
    expect(await jsonOf(model, "model.json")).toMatchObject({
      input: "rgb",
      network: { network: "conv6", input: "rgb" },
    });
    expect(sumsOf(model)["model.safetensors"]).not.toBe(
      sumsOf(await trained("gray"))["model.safetensors"],
    );
    const scored = await evaluate(model, withMasks, { task: "segmentation" });
    expect(scored.manifest.metrics["classes"]).toBe(2);
  }, 300_000);

  test("a network for gray refuses colours, with what to take instead", async () => {
    await expect(
      finetune(withMasks, { task: segmentationTask, input: "rgb" }),
    ).rejects.toMatchObject({
      code: "finetune.input",
      hint: expect.stringContaining("input: rgb") as string,
    });
  });
});

describe("multi-label classification", () => {
  test("learns classes that an image may show together, and is measured by how it ranks them", async () => {
    const trained = (
      await finetune(withLabels, {
        task: "multi-label",
        crop: { side: 32, scale: "none" },
        protocol: {
          kind: "fixed",
          steps: 60,
          schedule: { kind: "constant" },
        },
      })
    ).manifest;
    expect(await jsonOf(trained, "model.json")).toMatchObject({
      kind: "multi-label-classifier",
      classes: [...VOC_CLASSES],
    });
    const scored = (
      await evaluate(trained, withLabels, {
        task: "multi-label",
        crop: { side: 32, scale: "none", place: "random", views: 2 },
      })
    ).manifest;
    const { map, map11, classes, images } = scored.metrics;
    expect([classes, images]).toEqual([2, COUNT]);
    for (const value of [map, map11]) {
      expect(value).toBeGreaterThan(0.5);
      expect(value).toBeLessThanOrEqual(1);
    }
    const { classes: each } = (await jsonOf(
      scored,
      "average-precision.json",
    )) as { classes: { name: string; positives: number }[] };
    expect(
      each.filter(({ positives }) => positives > 0).map(({ name }) => name),
    ).toEqual(["boat", "cat"]);
    const lines = (await readText(store, scored, "scores.csv"))
      .trim()
      .split("\n");
    expect(lines).toHaveLength(1 + COUNT);
    expect(lines[0]).toBe(["sample", ...VOC_CLASSES].join());
  }, 120_000);

  test("the first loss is that of a coin for each class that somebody can tell", async () => {
    const { manifest } = await finetune(withLabels, {
      task: "multi-label",
      batch: COUNT,
      protocol: { kind: "fixed", steps: 1 },
    });
    // One of the images has a class that is hard to see.
    expect(manifest.metrics["loss"]).toBeCloseTo(
      Math.log(2) * (20 - 1 / COUNT),
      4,
    );
  }, 120_000);

  test("two trainings of the same seed are the same bytes", async () => {
    const params = { task: "multi-label" };
    const one = (await finetune(withLabels, params, { salt: "one" })).manifest;
    const two = (await finetune(withLabels, params, { salt: "two" })).manifest;
    expect(sumsOf(one)).toEqual(sumsOf(two));
  }, 120_000);

  test("a segmenter is not a classifier", async () => {
    const trained = (await finetune(withMasks, { task: segmentationTask }))
      .manifest;
    await expect(
      evaluate(trained, withLabels, { task: "multi-label" }),
    ).rejects.toMatchObject({ code: "model.kind" });
  }, 120_000);
});

describe("compare", () => {
  const compare = (model: Manifest, params: Record<string, unknown> = {}) =>
    runTrainingStage({
      kind: "compare",
      store,
      inputs: { weights, model, data: withLabels },
      params: { side: 32, ...params },
    });
  const frozen = async () =>
    (
      await finetune(withMasks, {
        task: segmentationTask,
        trainFrom: "conv4",
      })
    ).manifest;

  test("channels that stayed correlate fully, and those that were trained less", async () => {
    const { metrics } = (await compare(await frozen())).manifest;
    expect(metrics["images"]).toBe(COUNT);
    expect(metrics["channels"]).toBe(16 + 32 + 64 + 64 + 128 + 128);
    for (const layer of ["conv1", "conv2", "conv3"])
      expect(metrics[`lowerQuartile/${layer}`]).toBeCloseTo(1, 5);
    for (const layer of ["conv4", "conv6"]) {
      expect(metrics[`median/${layer}`]).toBeLessThan(0.99999);
      expect(metrics[`median/${layer}`]).toBeGreaterThan(0);
    }
    const { lowerQuartile, median, upperQuartile } = metrics;
    expect(lowerQuartile).toBeLessThanOrEqual(median as number);
    expect(median).toBeLessThanOrEqual(upperQuartile as number);
  }, 120_000);

  test("only the layers that are named are compared, whatever the size of batches", async () => {
    const model = await frozen();
    const some = { layers: ["conv4"] };
    const found = (await compare(model, some)).manifest;
    const lines = (await readText(store, found, "shift.csv"))
      .trim()
      .split("\n");
    expect(lines).toHaveLength(1 + 64);
    const inParts = (await compare(model, { ...some, batch: 7 })).manifest;
    for (const [name, value] of Object.entries(found.metrics))
      expect(inParts.metrics[name]).toBeCloseTo(value, 4);
    await expect(compare(model, { layers: "fc6" })).rejects.toMatchObject({
      code: "compare.unknown-layer",
    });
  }, 120_000);
});
