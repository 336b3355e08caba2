/** What `checkpoint` of a stage means. */
import { expect, test } from "vitest";
import { parsePipeline } from "../../src/spec/parse.ts";
import { defaultCheckpoint } from "../../src/spec/defaults.ts";

function checkpointOf(written: string) {
  const parsed = parsePipeline(`name: study
stages:
  photos: { kind: shard, with: { source: "package:x", format: cifar10 } }
  pretrain:
    kind: pretrain
    inputs: { data: photos }
    with: { model: conv6, steps: 10, objective: { kind: colorize } }
    checkpoint: ${written}
`);
  if (!parsed.ok) return parsed.issues.map(({ code }) => code);
  return parsed.spec.stages.find(({ name }) => name === "pretrain")?.checkpoint;
}

const { keep } = defaultCheckpoint;
const loss = { metric: "loss", mode: "min" };
test.each<[string, object]>([
  ["{}", defaultCheckpoint],
  ["{ every: 500 }", { ...defaultCheckpoint, every: { steps: 500 } }],
  ["{ every: 10k }", { ...defaultCheckpoint, every: { steps: 10_000 } }],
  ["{ every: 10m }", { ...defaultCheckpoint, every: { ms: 600_000 } }],
  ["{ outage: 2h }", { ...defaultCheckpoint, outageMs: 7_200_000 }],
  [
    "{ keep: { last: 3, every: 10k } }",
    { ...defaultCheckpoint, keep: { ...keep, last: 3, everySteps: 10_000 } },
  ],
  [
    "{ keep: { best: loss } }",
    { ...defaultCheckpoint, keep: { ...keep, best: loss } },
  ],
  [
    "{ keep: { best: { min: loss } } }",
    { ...defaultCheckpoint, keep: { ...keep, best: loss } },
  ],
  [
    "{ keep: { best: { max: accuracy } } }",
    {
      ...defaultCheckpoint,
      keep: { ...keep, best: { metric: "accuracy", mode: "max" } },
    },
  ],
])("%s", (written, want) => {
  expect(checkpointOf(written)).toEqual(want);
});

test.each([
  "{ every: 0 }",
  "{ every: often }",
  "{ keep: { last: 0 } }",
  "{ keep: { best: { min: a, max: b } } }",
  "{ keep: all }",
  "{ outage: 30 }",
])("%s is a mistake", (written) => {
  expect(checkpointOf(written)).toHaveLength(1);
});
