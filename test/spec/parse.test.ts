/** What a correct file means: defaults, parameters, references, seeds, resources. Mistakes are in `broken.test.ts`. */
import { describe, expect, it } from "vitest";
import { parsePipeline } from "../../src/spec/parse.ts";
import { stageKinds } from "../../src/spec/stage-kinds.ts";
import { issuesOf, specOf } from "../support/specs.ts";

const PHOTOS = `
  photos: { kind: shard, with: { source: "\${params.place}", format: cifar10, limit: "\${params.limit}" } }
`;
const text = `name: study
params: { place: ./cifar, limit: 100, isMirrored: true, batches: [8, 16] }
seeds: [3, 4]
stages:${PHOTOS}
  train:
    kind: pretrain
    inputs: { data: photos }
    matrix: { batch: "\${params.batches}" }
    with: { model: conv6, steps: 2k, mirror: "\${params.isMirrored}", objective: { kind: colorize } }
    resources: { memory: 48Gi, gpu: 1 }
    checkpoint: { every: 1k }
    timeout: 90m
`;

function overriding(...pairs: readonly (readonly [string, string])[]) {
  return { overrides: new Map(pairs) };
}

describe("a pipeline file", () => {
  it("gets the defaults of its kinds and converts units", () => {
    const [photos, train] = specOf(text).stages;

    expect(photos).toMatchObject({
      seeds: null,
      seed: null,
      resources: { ...stageKinds.shard.resources, gpu: 0 },
      checkpoint: null,
      timeoutMs: null,
      variants: [{ cell: {}, params: { shards: 1, split: "train" } }],
    });
    expect(train).toMatchObject({
      seeds: [3, 4],
      resources: { cpu: 1, memoryBytes: 48 * 2 ** 30, gpu: 1 },
      checkpoint: {
        every: { steps: 1000 },
        keep: { last: 2, everySteps: null, best: null },
        outageMs: 1_800_000,
      },
      timeoutMs: 90 * 60_000,
    });
  });

  it("keeps the type of a reference that is a whole value", () => {
    const [photos, train] = specOf(text).stages;

    expect(photos?.variants[0]?.params).toMatchObject({ limit: 100 });
    expect(train?.variants.map(({ cell }) => cell)).toEqual([
      { batch: 8 },
      { batch: 16 },
    ]);
    expect(train?.variants[0]?.params).toMatchObject({ mirror: true });
  });

  it("writes a reference inside a text out, and leaves $${…} alone", () => {
    const spec = specOf(`name: study
params: { bucket: photos, part: 2 }
stages:
  photos: { kind: shard, with: { source: "s3://\${params.bucket}/\${params.part}/$\${x}", format: cifar10 } }
`);

    expect(spec.stages[0]?.variants[0]?.params["source"]).toBe(
      "s3://photos/2/${x}",
    );
  });

  it("takes overrides of the type of the default", () => {
    const spec = specOf(
      text,
      overriding(["limit", "50"], ["isMirrored", "false"], ["batches", "4, 2"]),
    );

    expect(spec.params).toEqual({
      place: "./cifar",
      limit: 50,
      isMirrored: false,
      batches: [4, 2],
    });
  });

  it.each([
    ["limit", "many", "spec.param-override 2:34"],
    ["isMirrored", "yes", "spec.param-override 2:51"],
    ["batches", "8,eight", "spec.param-override 2:66"],
    ["limits", "5", "spec.unknown-param-override 2:1"],
  ])("refuses -p %s=%s", (name, value, want) => {
    expect(issuesOf(text, overriding([name, value]))).toEqual([want]);
  });

  it("is frozen to the bottom", () => {
    const spec = specOf(text);

    expect(Object.isFrozen(spec)).toBe(true);
    expect(Object.isFrozen(spec.stages[1]?.variants[0]?.params)).toBe(true);
  });

  it("may list a stage before the stages that it reads", () => {
    const spec = specOf(`name: study
stages:
  train: { kind: initialize, inputs: { data: photos }, with: { model: conv6 } }
  photos: { kind: shard, with: { source: x, format: cifar10 } }
`);

    expect(spec.stages.map(({ name }) => name)).toEqual(["photos", "train"]);
  });

  it("may share a block by an alias", () => {
    const spec = specOf(`name: study
stages:
  photos: { kind: shard, with: &common { source: x, format: cifar10 } }
  again: { kind: shard, with: *common }
`);

    expect(spec.stages[1]?.variants).toEqual(spec.stages[0]?.variants);
  });

  it("means the same with Windows line ends", () => {
    expect(parsePipeline(text.replaceAll("\n", "\r\n"))).toEqual(
      parsePipeline(text),
    );
  });
});
