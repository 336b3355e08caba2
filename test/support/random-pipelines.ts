/** Random pipelines for property tests, as plain values: JSON is YAML, so their text is `JSON.stringify`. */
import fc from "fast-check";

export type RandomStage = {
  kind: string;
  with: Record<string, unknown>;
  inputs?: Record<string, unknown>;
  matrix?: Record<string, unknown[]>;
  seed?: number;
  seeds?: number[];
};
export type RandomPipeline = {
  name: string;
  seeds: number[];
  stages: Record<string, RandomStage>;
};

const seeds = fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 3 });
const some = <T>(values: T[]) =>
  fc.subarray(values, { minLength: 1, maxLength: 3 });

const pretrainMatrix = fc.record(
  {
    batch: some([4, 8, 16, 32]),
    mirror: fc.constantFrom([true], [true, false]),
    objective: some([
      { name: "regression", kind: "colorize", target: "lab-regression" },
      { name: "last layer", kind: "colorize", hypercolumn: false },
      { name: "Hue & chroma", kind: "colorize", bins: 16 },
      { name: "hue-chroma", kind: "colorize", bins: 8 },
    ]),
  },
  { requiredKeys: [] },
);

const pretrain = fc
  .record({
    matrix: fc.option(pretrainMatrix, { nil: undefined }),
    steps: fc.integer({ min: 1, max: 50 }),
    seed: fc.option(fc.nat(3), { nil: undefined }),
  })
  .map(({ matrix, steps, seed }): RandomStage => ({
    kind: "pretrain",
    inputs: { data: "photos" },
    with: {
      model: "conv6",
      steps,
      ...(matrix?.objective ? {} : { objective: { kind: "colorize" } }),
    },
    ...(matrix === undefined ? {} : { matrix: matrix as never }),
    ...(seed === undefined ? {} : { seed }),
  }));

/** A dataset, one to three pretrainings, random weights, fine-tuning of some of them, scores and a report. */
export const randomPipeline: fc.Arbitrary<RandomPipeline> = fc
  .record({
    seeds,
    shards: fc.integer({ min: 1, max: 3 }),
    pretrainings: fc.array(pretrain, { minLength: 1, maxLength: 3 }),
    labels: some([10, 50, 100]),
    weights: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
  })
  .map(({ seeds: values, shards, pretrainings, labels, weights }) => {
    const stages: Record<string, RandomStage> = {
      photos: {
        kind: "shard",
        with: { source: "place", format: "image-folder", shards },
      },
      scratch: {
        kind: "initialize",
        inputs: { data: "photos" },
        with: { model: "conv6" },
      },
    };
    pretrainings.forEach((stage, i) => (stages[`pretrain-${i}`] = stage));
    const sources = weights
      .map((i) => (i < pretrainings.length ? `pretrain-${i}` : "scratch"))
      .filter((name, i, names) => names.indexOf(name) === i);
    stages["classify"] = {
      kind: "finetune",
      inputs: { weights: sources, data: "photos" },
      matrix: { labels },
      with: { protocol: { kind: "fixed", steps: 5 } },
    };
    stages["score"] = {
      kind: "evaluate",
      inputs: { model: "classify", data: "photos" },
      with: {},
    };
    stages["report"] = {
      kind: "report",
      inputs: { results: "score" },
      with: { title: "Random" },
    };
    return { name: "random", seeds: values, stages };
  });
