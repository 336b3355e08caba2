/** Inputs of a report as the tiny study gives them: two arms, two label budgets, three seeds. */
import { uniform } from "../../src/base/random.ts";
import type { ReportInputs } from "../../src/report/create-report.ts";
import type { TrainingLog } from "../../src/report/curves.ts";
import type { RunFacts } from "../../src/report/run-facts.ts";
import type {
  ArtifactFact,
  Measurement,
  PictureSet,
} from "../../src/report/value.ts";
import { reportParams } from "../../src/spec/params/params-report.ts";

const SEEDS = [5, 6, 7] as const;
const ACCURACY = {
  pretrain: { 10: [0.361, 0.342, 0.341], 50: [0.432, 0.431, 0.437] },
  scratch: { 10: [0.291, 0.298, 0.257], 50: [0.354, 0.348, 0.358] },
} as const;
type Arm = keyof typeof ACCURACY;
const ARMS = ["pretrain", "scratch"] as const;
const LABELS = [10, 50] as const;

export const exampleParams = reportParams.parse({
  title: "Colorization against random initialization, with few labels",
  summary:
    "A small network learns to colour 20,000 photographs without labels, then to name ten classes from a few labels. It starts once from the colouring weights and once from random ones; accuracy is that on the 10,000 official test images.",
  names: {
    weights: "start",
    "weights=pretrain": "colorization",
    "weights=scratch": "random",
    labels: "labels per class",
    "stage=pretrain": "colorization",
  },
  tables: [
    {
      title: "Accuracy from few labels",
      metric: "accuracy",
      rows: "weights",
      columns: "labels",
      where: { stage: "score" },
      unit: "%",
      scale: 100,
    },
  ],
  claims: [
    {
      name: "fifty labels",
      text: "With 50 labels per class, colorization beats random initialization.",
      metric: "accuracy",
      where: { labels: 50 },
      of: { weights: "pretrain" },
      minus: { weights: "scratch" },
      scale: 100,
      unit: "points",
      pass: { mean: { atLeast: 4 }, every: { above: 2 } },
      source: "Larsson et al. 2017, claim C1",
    },
    {
      name: "ten labels",
      text: "With 10 labels per class, colorization beats random initialization.",
      metric: "accuracy",
      where: { labels: 10 },
      of: { weights: "pretrain" },
      minus: { weights: "scratch" },
      scale: 100,
      unit: "points",
      pass: { mean: { atLeast: 2 }, every: { above: 0 } },
    },
  ],
  curves: [
    {
      title: "Colorization loss",
      metric: "loss",
      where: { stage: "pretrain" },
    },
    {
      title: "Training with 10 labels per class",
      metric: "loss",
      lines: "weights",
      where: { labels: 10 },
    },
    {
      title: "Training with 50 labels per class",
      metric: "loss",
      lines: "weights",
      where: { labels: 50 },
    },
  ],
});

/** 64 hexadecimal digits out of a name. */
export function exampleKey(name: string): string {
  let key = "";
  for (let word = 0; word < 8; word++)
    key += Math.floor(uniform(word, ...Buffer.from(name)) * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return key;
}

function eachCell<T>(map: (arm: Arm, labels: 10 | 50, index: number) => T) {
  return ARMS.flatMap((arm) =>
    LABELS.flatMap((labels) =>
      SEEDS.map((_, index) => map(arm, labels, index)),
    ),
  );
}

const results: Measurement[] = [
  ...eachCell((weights, labels, index) => {
    const accuracy = ACCURACY[weights][labels][index] ?? 0;
    const cell = { weights, labels, seed: SEEDS[index] ?? 0 };
    const key = exampleKey(`score ${JSON.stringify(cell)}`);
    return {
      stage: "score",
      cell,
      key,
      metrics: { accuracy, loss: 2.9 - 3 * accuracy, images: 10_000 },
    };
  }),
  {
    stage: "look",
    cell: {},
    key: exampleKey("look"),
    metrics: { rmse: 0.112, images: 10_000 },
  },
];

/** A falling, noisy curve with a row for every `every` steps. */
function falling(options: {
  readonly steps: number;
  readonly every: number;
  readonly from: number;
  readonly to: number;
  readonly noise: number;
  readonly seed: number;
}): TrainingLog["rows"] {
  const { steps, every, from, to, noise, seed } = options;
  return Array.from({ length: Math.floor(steps / every) }, (_, index) => {
    const step = (index + 1) * every;
    const decay = Math.exp((-6 * step) / steps);
    const shake = (uniform(seed, step) - 0.5) * noise;
    return { step, name: "loss", value: to + (from - to) * decay + shake };
  });
}

const curves: TrainingLog[] = [
  {
    stage: "pretrain",
    cell: {},
    rows: falling({
      steps: 3000,
      every: 20,
      from: 3.6,
      to: 2.45,
      noise: 0.1,
      seed: 1,
    }),
  },
  ...eachCell((weights, labels, index): TrainingLog => {
    const to = weights === "pretrain" ? 1.45 : 1.75;
    return {
      stage: "finetune",
      cell: { weights, labels, seed: SEEDS[index] ?? 0 },
      rows: falling({
        steps: labels === 10 ? 100 : 200,
        every: 4,
        from: 2.3,
        to: labels === 10 ? to - 0.5 : to,
        noise: 0.16,
        seed: index + 10,
      }),
    };
  }),
];

const versions = { hueline: "0.1.0", tensorflow: "2.18.1" };
const behind = (kind: string, name: string, seed: number | null = null) => ({
  kind,
  contract: 1,
  key: exampleKey(name),
  seed,
  stage: null,
  cell: null,
  hueline: "0.1.0",
  tensorflow: kind === "shard" || kind === "catalog" ? null : "2.18.1",
});
const artifacts: ArtifactFact[] = [
  ...results.map(({ stage, cell, key }) => ({
    kind: "evaluate",
    contract: 1,
    key,
    seed: null,
    stage,
    cell,
    ...versions,
  })),
  behind("catalog", "photos"),
  behind("catalog", "test"),
  ...SEEDS.map((seed) => behind("initialize", `scratch ${seed}`, seed)),
  behind("pretrain", "pretrain", 5),
  behind("shard", "photos part 0"),
];

/** A PNG of one gray pixel. */
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";

const pixels: PictureSet = {
  title: "colorization",
  items: ["000", "001"].map((name) => ({
    name,
    width: 1,
    height: 1,
    gray: PIXEL,
    predicted: PIXEL,
    truth: PIXEL,
  })),
};

export function createExampleInputs(
  change: Partial<ReportInputs> = {},
): ReportInputs {
  return {
    params: exampleParams,
    results,
    curves,
    pictures: [pixels],
    artifacts,
    leftOut: [],
    ...change,
  };
}

const MiB = 2 ** 20;
export const exampleRun: RunFacts = {
  run: "tiny-1f3c9a2e",
  host: "workstation",
  finishedAtMs: Date.UTC(2030, 0, 2, 3, 4, 5),
  wallMs: 214_000,
  stages: [
    {
      stage: "photos",
      kind: "shard",
      tasks: 2,
      cached: 2,
      wallMs: 3100,
      cpuMs: 4200,
      peakMemoryBytes: 210 * MiB,
      resumedAtSteps: [],
      reading: null,
    },
    {
      stage: "pretrain",
      kind: "pretrain",
      tasks: 1,
      cached: 0,
      wallMs: 171_000,
      cpuMs: 188_000,
      peakMemoryBytes: 640 * MiB,
      resumedAtSteps: [],
      reading: null,
    },
    {
      stage: "finetune",
      kind: "finetune",
      tasks: 12,
      cached: 0,
      wallMs: 118_000,
      cpuMs: 131_000,
      peakMemoryBytes: 590 * MiB,
      resumedAtSteps: [],
      reading: null,
    },
    {
      stage: "score",
      kind: "evaluate",
      tasks: 12,
      cached: 0,
      wallMs: 49_000,
      cpuMs: 54_000,
      peakMemoryBytes: 480 * MiB,
      resumedAtSteps: [],
      reading: null,
    },
  ],
};
