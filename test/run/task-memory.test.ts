import { describe, expect, it } from "vitest";
import type { AttemptObservation } from "../../src/run/observation.ts";
import { noControl } from "../../src/run/observation.ts";
import { reconcile } from "../../src/run/reconcile.ts";
import { resourcesAfter } from "../../src/run/task-memory.ts";
import { buildPlan } from "../support/plans.ts";

const GiB = 2 ** 30;
const outOfMemory = (number: number): AttemptObservation => ({
  number,
  startedAtMs: 0,
  end: { atMs: number, exitCode: 137, cause: "out-of-memory", reason: "OOM" },
});
const resources = { cpu: 1, memoryBytes: GiB, memoryMaxBytes: 3 * GiB, gpu: 0 };
const decide = (
  attempts: readonly AttemptObservation[],
  memoryBytes = 8 * GiB,
) =>
  reconcile(
    buildPlan({ train: { resources } }),
    {
      tasks: new Map([
        ["train", { task: "train", committed: false, heldBy: null, attempts }],
      ]),
      capacity: { cpu: 4, memoryBytes, gpu: 0 },
      control: noControl,
    },
    1000,
  );

describe("a task that ran out of memory", () => {
  it("is started once more with the most that its stage allows, and fails if that is not enough", () => {
    expect(decide([outOfMemory(1)]).actions).toEqual([
      { kind: "start", task: "train", attempt: 2 },
    ]);
    expect(decide([outOfMemory(1), outOfMemory(2)]).states).toEqual([
      { phase: "Failed", reason: "OOM (2 times)" },
    ]);
  });

  it("fails at once, with the figures, where the larger memory is not to be had", () => {
    expect(decide([outOfMemory(1)], 2 * GiB).states).toMatchObject([
      { phase: "Failed", reason: expect.stringContaining("declares 3.0 GiB") },
    ]);
  });

  it("keeps its memory after any other end, and where it declares no more", () => {
    const bug: AttemptObservation = {
      number: 1,
      startedAtMs: 0,
      end: { atMs: 1, exitCode: 70, cause: null, reason: "" },
    };
    expect(resourcesAfter(resources, [bug]).memoryBytes).toBe(GiB);
    expect(resourcesAfter(resources, [outOfMemory(1), bug]).memoryBytes).toBe(
      3 * GiB,
    );
    const fixed = { cpu: 1, memoryBytes: GiB, gpu: 0 };
    expect(resourcesAfter(fixed, [outOfMemory(1)])).toBe(fixed);
  });
});
