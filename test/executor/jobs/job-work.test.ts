import { describe, expect, it } from "vitest";
import type { TaskSketch } from "../../support/plans.ts";
import { buildTask } from "../../support/plans.ts";
import { packTasks } from "../../../src/executor/jobs/job-work.ts";

const ready = (name: string, sketch: TaskSketch = {}, attempt = 1) => ({
  task: buildTask(name, sketch),
  attempt,
  attempts: [],
});
const score: TaskSketch = { kind: "evaluate", stage: "score" };

describe("packing ready tasks", () => {
  it("gives each training a Job by itself, and one to all others that need the same pod", () => {
    const works = packTasks([
      ready("train-a", { kind: "pretrain", stage: "train" }),
      ready("train-b", { kind: "finetune", stage: "train" }),
      ready("score-a", score),
      ready("score-b", score),
      ready("score-large", { ...score, resources: { memoryBytes: 2 ** 34 } }),
      ready("score-again", score, 2),
      ready("pack-1", { stage: "photos" }),
    ]);
    expect(works.map(({ tasks }) => tasks)).toEqual([
      ["train-a"],
      ["train-b"],
      ["score-a", "score-b"],
      ["score-large"],
      ["score-again"],
      ["pack-1"],
    ]);
    expect(works.filter(({ pack }) => pack !== null)).toHaveLength(1);
  });

  it("cuts what is too much for one Job, and names each part the same each time", () => {
    const all = Array.from({ length: 7 }, (_, i) => ready(`score-${i}`, score));
    const works = packTasks(all, 3);
    expect(works.map(({ tasks }) => tasks.length)).toEqual([3, 3, 1]);
    expect(packTasks(all, 3)).toEqual(works);
    expect(new Set(works.map(({ pack }) => pack)).size).toBe(3);
  });

  it("asks for more memory after a task ran out of it", () => {
    const task = buildTask("train", {
      kind: "pretrain",
      resources: { memoryBytes: 1024, memoryMaxBytes: 4096 },
    });
    const end = {
      atMs: 1,
      exitCode: 137,
      cause: "out-of-memory",
      reason: "",
    } as const;
    const attempts = [{ number: 1, startedAtMs: 0, end }];
    const [work] = packTasks([{ task, attempt: 2, attempts }]);
    expect(work?.resources.memoryBytes).toBe(4096);
  });
});
