/** Supervised pretraining against PyTorch (`scripts/reference/classification.py`): losses and weights over five steps. */
import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import type { Images, ImageSet } from "../../../src/data/images/image-set.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { networkOf } from "../../../src/model/networks.ts";
import type { Weights } from "../../../src/model/weights.ts";
import { createPretextJob } from "../../../src/train/jobs/pretext.ts";
import { relativeDifference, testEngine } from "../../support/engine.ts";

type Stored = Readonly<
  Record<
    string,
    { readonly shape: readonly number[]; readonly values: readonly number[] }
  >
>;
type Golden = {
  readonly side: number;
  readonly classes: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly biasRate: number;
  readonly first: Stored;
  readonly steps: readonly {
    readonly rate: number;
    readonly pixels: string;
    readonly labels: readonly number[];
    readonly loss: number;
    readonly accuracy: number;
  }[];
  readonly last: Stored;
};
const golden = JSON.parse(
  readFileSync(
    new URL("../../golden/reference/classification.json", import.meta.url),
    "utf8",
  ),
) as Golden;

let engine: Engine;
beforeAll(() => {
  engine = testEngine();
});

/** The batches of the reference as a set of images: step k is its k-th batch. */
const images = {
  classes: Array.from({ length: golden.classes }, (_, i) => `c${i}`),
  imageSize: { width: golden.side, height: golden.side },
  train: () =>
    Promise.resolve({
      batch: (step: number) => Promise.resolve(batchOf(step)),
      report: () => null,
      state: () => null,
      close: () => Promise.resolve(),
    }),
} as unknown as ImageSet;

function batchOf(step: number): Images {
  const { pixels, labels } = golden.steps[step] as Golden["steps"][number];
  return {
    size: labels.length,
    pixels: new Uint8Array(Buffer.from(pixels, "base64")),
    masks: null,
    labels: Int32Array.from(labels),
    samples: Int32Array.from(labels.keys()),
    epochs: new Int32Array(labels.length),
  };
}

const toWeights = (stored: Stored): Weights =>
  new Map(
    Object.entries(stored).map(([name, { shape, values }]) => [
      name,
      { shape, values: Float32Array.from(values) },
    ]),
  );

test("five steps on labels give PyTorch's losses and weights, decay on weights alone and biases at twice the rate", async () => {
  const { momentum, weightDecay, biasRate, classes } = golden;
  const job = await createPretextJob({
    engine,
    network: networkOf({ network: "conv6", input: "gray", width: 1 / 16 }),
    kind: "classify",
    settings: {
      kind: "classify",
      hypercolumn: false,
      dropout: 0,
      classes: images.classes,
    },
    images,
    samples: null,
    seed: 0,
    batch: golden.steps[0]?.labels.length ?? 0,
    mirror: false,
    optimizer: { learningRate: 1, momentum, weightDecay, biasRate },
  });
  await job.trainer.write(toWeights(golden.first));
  for (const [step, want] of golden.steps.entries()) {
    const plan = { samples: "all", rateFactor: 1, fresh: false, step } as const;
    const got = await job.trainer.train(await job.prepare(plan), {
      rate: want.rate,
      step,
    });
    expect(Math.abs((got["loss"] as number) / want.loss - 1)).toBeLessThan(
      1e-5,
    );
    expect(got["accuracy"]).toBeCloseTo(want.accuracy, 6);
  }
  const last = await job.trainer.read();
  await job.close();
  expect(classes).toBe(5);
  for (const [name, want] of toWeights(golden.last))
    expect([
      name,
      relativeDifference(last.get(name)?.values ?? [], want.values) < 1e-4,
    ]).toEqual([name, true]);
});
