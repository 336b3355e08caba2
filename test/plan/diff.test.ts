import { describe, expect, it } from "vitest";
import { createPlan } from "../../src/plan/create-plan.ts";
import { explainKeys } from "../../src/plan/diff.ts";
import { criticalPath } from "../../src/plan/graph.ts";
import { planOf, specOf } from "../support/specs.ts";

const text = `name: study
seeds: [1]
stages:
  photos: { kind: shard, with: { source: ./photos, format: image-folder } }
  train:
    kind: pretrain
    inputs: { data: photos }
    with: { model: conv6, steps: 10, objective: { kind: colorize } }
  scratch: { kind: initialize, inputs: { data: photos }, with: { model: conv6 } }
  few:
    kind: finetune
    inputs: { weights: [train, scratch], data: photos }
    with: { labels: 10, protocol: { kind: fixed, steps: 5 } }
`;

function changesOf(edit: (text: string) => string) {
  return explainKeys(planOf(text), planOf(edit(text)));
}

describe("why a key changed", () => {
  it("is nothing to say about a plan that is the same", () => {
    expect(changesOf((same) => same)).toEqual([]);
  });

  it("is the parameter, by its path and values, and for what follows the input", () => {
    expect(
      changesOf((now) =>
        now.replace("kind: colorize", "kind: colorize, bins: 16"),
      ),
    ).toEqual([
      { task: "train-seed-1", reasons: ["objective.bins: 32 → 16"] },
      {
        task: "few-train-seed-1",
        reasons: ["input weights: train-seed-1 changed"],
      },
    ]);
  });

  it("is a task that was not there", () => {
    expect(
      changesOf((now) => now.replace("seeds: [1]", "seeds: [1, 2]")),
    ).toEqual(
      [
        "train-seed-2",
        "scratch-seed-2",
        "few-train-seed-2",
        "few-scratch-seed-2",
      ].map((task) => ({ task, reasons: ["a new task"] })),
    );
  });

  it("is not the name of a stage", () => {
    expect(
      changesOf((now) => now.replaceAll("scratch", "from-nothing")),
    ).toEqual([]);
  });

  it("is the content of a source if nothing else differs", () => {
    const spec = specOf(text);
    const [before, after] = ["1", "2"].map((version) =>
      createPlan(spec, { sources: new Map([["./photos", version]]) }),
    );

    expect(before && after && explainKeys(before, after)[0]).toEqual({
      task: "photos-0-of-1",
      reasons: ["the content of source, or the contract of 'shard'"],
    });
  });

  it("is not the place of a source whose content is the same", () => {
    const moved = specOf(text.replace("./photos", "/mnt/photos"));
    const sources = new Map([
      ["./photos", "same"],
      ["/mnt/photos", "same"],
    ]);

    expect(
      explainKeys(
        createPlan(specOf(text), { sources }),
        createPlan(moved, { sources }),
      ),
    ).toEqual([]);
  });
});

describe("the critical path", () => {
  it("is the heaviest chain, from its first task to its last", () => {
    const names = criticalPath(planOf(text)).map(({ name }) => name);

    expect(names).toEqual([
      "photos-0-of-1",
      "photos",
      "train-seed-1",
      "few-train-seed-1",
    ]);
  });
});
