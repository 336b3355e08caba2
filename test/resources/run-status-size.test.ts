import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noControl, type Observation } from "../../src/run/observation.ts";
import { reconcile } from "../../src/run/reconcile.ts";
import type { RunStatus } from "../../src/run/status.ts";
import { toRunStatus } from "../../src/resources/run-status.ts";
import { runStatusSchema } from "../../src/resources/schema/run-status.ts";
import { buildPlan, type TaskSketch } from "../support/plans.ts";

describe("the size of a Run's status", () => {
  it.each([
    ["long reasons", "why ".repeat(2000)],
    ["reasons of three bytes a letter", "原因".repeat(2000)],
    ["reasons full of quotes", '"'.repeat(5000)],
  ])(
    "is below 32 KiB for 100,000 tasks with the longest names, %s",
    (_, why) => {
      const status = largest(100_000, 60, why);
      expect(Buffer.byteLength(JSON.stringify(status))).toBeLessThan(32 * 1024);
      expect(runStatusSchema.safeParse(status).error).toBeUndefined();
    },
  );

  it("is below 32 KiB and as the schema says, whatever the plan is like", () => {
    const shape = fc.record({
      tasks: fc.integer({ min: 1, max: 400 }),
      stages: fc.integer({ min: 1, max: 70 }),
      why: fc.string({ unit: "binary", maxLength: 3000 }),
    });
    fc.assert(
      fc.property(shape, ({ tasks, stages, why }) => {
        const status = largest(tasks, stages, why);
        const bytes = Buffer.byteLength(JSON.stringify(status));
        return bytes < 32 * 1024 && runStatusSchema.safeParse(status).success;
      }),
      { numRuns: 30 },
    );
  });
});

/** A status with all that one can have, as large as it gets. */
function largest(tasks: number, stages: number, why: string) {
  const status = seenOf(tasks, stages, why);
  const hindrances = Array.from({ length: 9 }, () => ({
    reason: "R".repeat(100),
    message: why,
  }));
  const control = { ...noControl, suspend: why, hold: why };
  const store = { url: `s3://${"b".repeat(490)}`, run: "r".repeat(61) };
  return toRunStatus({
    generation: 1,
    nowMs: Date.UTC(2026, 0),
    previous: undefined,
    planProblem: null,
    seen: status,
    receipt: {
      digest: "d".repeat(64),
      tasks: 100_000,
      cached: 100_000,
      shared: 100_000,
      peakGpus: 100_000,
      gpuHours: "1".repeat(30),
      quota: "q".repeat(500),
    },
    hindrances,
    control,
    store,
    gpuHours: 123_456_789,
  });
}

function seenOf(tasks: number, stages: number, why: string): RunStatus {
  const sketches: Record<string, TaskSketch> = {};
  for (let i = 0; i < tasks; i++) {
    const stage = `stage-${i % stages}-`.padEnd(63, "x");
    sketches[`task-${i}-`.padEnd(63, "y")] = {
      stage,
      kind: "initialize",
    };
  }
  const plan = buildPlan(sketches);
  const end = { atMs: 1, exitCode: 65, cause: null, reason: why };
  const found = plan.tasks.map(({ name: task }, i) => {
    const attempt = {
      number: 1,
      startedAtMs: 0,
      end: i % 3 === 0 ? end : null,
    };
    const attempts = [i % 3 === 1 ? { ...attempt, waiting: why } : attempt];
    return [task, { task, committed: false, heldBy: null, attempts }] as const;
  });
  const observation: Observation = {
    tasks: new Map(found),
    capacity: null,
    control: noControl,
  };
  return reconcile(plan, observation, 10).status;
}
