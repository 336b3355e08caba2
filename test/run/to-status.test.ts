import { describe, expect, it } from "vitest";
import type { Observation } from "../../src/run/observation.ts";
import { noControl } from "../../src/run/observation.ts";
import { reconcile } from "../../src/run/reconcile.ts";
import { buildPlan, type TaskSketch } from "../support/plans.ts";

function failedEverywhere(tasks: number, stages: number, reason: string) {
  const sketches: Record<string, TaskSketch> = {};
  for (let i = 0; i < tasks; i++) {
    const stage = `stage-${i % stages}-${"x".repeat(40)}`;
    sketches[`${stage}-${i}`] = { stage };
  }
  const plan = buildPlan(sketches);
  const end = { atMs: 1, exitCode: 65, cause: null, reason };
  const attempts = [{ number: 1, startedAtMs: 0, end }];
  const seen = plan.tasks.map(
    ({ name: task }, i) =>
      [
        task,
        i % 3 === 0
          ? { task, committed: false, heldBy: null, attempts }
          : {
              task,
              committed: false,
              heldBy: i % 3 === 1 ? reason : null,
              attempts:
                i % 3 === 1 ? [] : [{ number: 1, startedAtMs: 0, end: null }],
            },
      ] as const,
  );
  const observation: Observation = {
    tasks: new Map(seen),
    capacity: null,
    control: noControl,
  };
  return reconcile(plan, observation, 10).status;
}

describe("a status", () => {
  it.each([
    ["100,000 tasks with long reasons", "why ".repeat(2000)],
    ["reasons in a script of three bytes a letter", "原因".repeat(2000)],
    ["reasons full of quotes", '"'.repeat(5000)],
  ])("stays below 32 KiB for %s", (_, reason) => {
    const status = failedEverywhere(100_000, 60, reason);
    expect(Buffer.byteLength(JSON.stringify(status))).toBeLessThan(32 * 1024);
    expect(status.counts.total).toBe(100_000);
  });

  it("has at most 50 rows, and the last one sums up the rest", () => {
    const status = failedEverywhere(600, 60, "why");
    expect(status.stages).toHaveLength(50);
    expect(status.stages.at(-1)).toMatchObject({
      stage: "(11 more stages)",
      tasks: 110,
    });
    const sum = status.stages.reduce((total, { tasks }) => total + tasks, 0);
    expect(sum).toBe(600);
  });

  it("has at most 20 notes of a phase, failures first", () => {
    const { notes } = failedEverywhere(600, 6, "why");
    const phases = notes.map(({ phase }) => phase);
    expect(phases.slice(0, 20)).toEqual(Array(20).fill("Failed"));
    expect(notes).toHaveLength(60);
  });

  it("keeps a reason on one line without control characters", () => {
    const { notes } = failedEverywhere(3, 1, "first\nsecond\u001b[31m\tthird");
    expect(notes[0]?.reason).toBe("first second [31m third");
  });

  it("counts rows by stage: done, found in the store, running, failed", () => {
    const plan = buildPlan({
      a: { stage: "s" },
      b: { stage: "s" },
      c: { stage: "s" },
      d: { stage: "t" },
    });
    const seen = (committed: boolean, exitCode: number | null | undefined) => ({
      committed,
      heldBy: null,
      attempts:
        exitCode === undefined
          ? []
          : [
              {
                number: 1,
                startedAtMs: 0,
                end:
                  exitCode === null
                    ? null
                    : { atMs: 1, exitCode, cause: null, reason: "why" },
              },
            ],
    });
    const tasks = new Map([
      ["a", { task: "a", ...seen(true, undefined) }],
      ["b", { task: "b", ...seen(true, 0) }],
      ["c", { task: "c", ...seen(false, null) }],
      ["d", { task: "d", ...seen(false, 65) }],
    ]);
    const { status } = reconcile(
      plan,
      { tasks, capacity: null, control: noControl },
      10,
    );
    expect(status.stages).toEqual([
      {
        stage: "s",
        kind: "shard",
        tasks: 3,
        succeeded: 2,
        cached: 1,
        running: 1,
        failed: 0,
      },
      {
        stage: "t",
        kind: "shard",
        tasks: 1,
        succeeded: 0,
        cached: 0,
        running: 0,
        failed: 1,
      },
    ]);
  });
});
