import { describe, expect, it } from "vitest";
import { noControl } from "../../src/run/observation.ts";
import type { RunStatus, TaskNote } from "../../src/run/status.ts";
import { conditionOf } from "../../src/resources/conditions.ts";
import type {
  ConditionType,
  PlanReceipt,
  RunResourceStatus,
} from "../../src/resources/run-resource.ts";
import {
  isDifferent,
  isLatched,
  toRunStatus,
  type RunSighting,
} from "../../src/resources/run-status.ts";
import { runStatusSchema } from "../../src/resources/schema/run-status.ts";

const receipt: PlanReceipt = {
  digest: "d".repeat(64),
  tasks: 4,
  cached: 1,
  shared: 0,
  peakGpus: 2,
};

function seen(
  phase: RunStatus["phase"],
  counts: Partial<RunStatus["counts"]> = {},
  notes: readonly TaskNote[] = [],
): RunStatus {
  const none = {
    Pending: 0,
    Running: 0,
    Succeeded: 0,
    Failed: 0,
    Skipped: 0,
    Cancelled: 0,
  };
  const all = { ...none, total: 4, cached: 0, ...counts };
  const reason = `${all.Succeeded} of 4 tasks done, ${all.Running} running`;
  return { phase, reason, counts: all, stages: [], notes };
}

const note = (phase: TaskNote["phase"], task = "x", reason = "why") => ({
  task,
  phase,
  reason,
  attempts: 1,
});

/** Seconds since the beginning. */
function look(second: number, change: Partial<RunSighting>): RunResourceStatus {
  return toRunStatus({
    generation: 1,
    nowMs: Date.parse("2026-01-01T00:00:00Z") + second * 1000,
    previous: undefined,
    control: noControl,
    seen: null,
    planProblem: null,
    receipt: null,
    gpuHours: 0,
    store: { url: "s3://bucket/prefix", run: "tiny-0a1b2c3d" },
    hindrances: [],
    ...change,
  });
}

function read(status: RunResourceStatus, type: ConditionType): string {
  const condition = conditionOf(status.conditions, type);
  return `${condition?.status} ${condition?.reason}`;
}

const running = seen("Running", { Running: 1, Pending: 3 });
const failed = seen("Failed", { Failed: 4 }, [note("Failed")]);

describe("the status of a Run", () => {
  it("is Planning before there is a plan", () => {
    const status = look(0, {});
    expect(status.phase).toBe("Planning");
    expect(read(status, "Planned")).toBe("False Planning");
    expect(read(status, "Progressing")).toBe("True Planning");
    expect(read(status, "Succeeded")).toBe("False NotFinished");
    expect(runStatusSchema.safeParse(status).error).toBeUndefined();
  });

  it("is Failed with the mistake where the pipeline cannot be planned", () => {
    const status = look(0, { planProblem: "2:3 unknown stage kind 'trian'" });
    expect(status.phase).toBe("Failed");
    expect(status.reason).toContain("trian");
    expect(read(status, "Planned")).toBe("False PlanFailed");
    expect(read(status, "Failed")).toBe("True Failed");
    expect(status.finishedAt).toBe("2026-01-01T00:00:00Z");
  });

  it("has the receipt, the counts and the store while it runs", () => {
    const status = look(9, { seen: running, receipt, gpuHours: 1.26 });
    expect(status).toMatchObject({
      phase: "Running",
      done: "0/4",
      gpuHours: "1.3",
      store: "s3://bucket/prefix",
      storeRun: "tiny-0a1b2c3d",
      plan: receipt,
      counts: { total: 4, running: 1, pending: 3 },
    });
    expect(read(status, "Admitted")).toBe("True TasksRun");
    expect(conditionOf(status.conditions, "Planned")?.message).toBe(
      "4 tasks: 1 found in the store, 0 computed by others, 3 to compute",
    );
  });

  it("is Pending with the reason where what was started has no place yet", () => {
    const notes = [note("Pending", "train", "0/3 nodes are available")];
    const waits = seen("Running", { Pending: 4 }, notes);
    const status = look(0, { seen: waits, receipt });
    expect(status.phase).toBe("Pending");
    expect(status.reason).toBe("0/3 nodes are available");
    expect(read(status, "Admitted")).toBe("False Waiting");
    expect(read(status, "Progressing")).toBe("False Waiting");
  });

  it("names the first task that waits while others run", () => {
    const notes = [
      note("Running", "a"),
      note("Pending", "b", "no GPU is free"),
    ];
    const status = look(0, {
      seen: seen("Running", { Running: 1, Pending: 3 }, notes),
      receipt,
    });
    expect(status.reason).toBe(
      "0 of 4 tasks done, 1 running; 'b' waits: no GPU is free",
    );
  });

  it("is Suspended only when nothing runs any more", () => {
    const control = { ...noControl, suspend: "suspended" };
    const stopping = look(0, { seen: running, receipt, control });
    expect(read(stopping, "Suspended")).toBe("False Stopping");
    const rests = seen("Suspended", { Pending: 4 });
    const status = look(1, { seen: rests, receipt, control });
    expect(status.phase).toBe("Suspended");
    expect(read(status, "Suspended")).toBe("True Suspended");
    expect(read(status, "Admitted")).toBe("False Suspended");
  });

  it("says that it is held by its budget", () => {
    const hold = "the budget of 1 GPU-hours is used up";
    const status = look(0, {
      seen: seen("Pending", { Pending: 4 }, [note("Pending", "a", hold)]),
      receipt,
      control: { ...noControl, hold },
    });
    expect(read(status, "Progressing")).toBe("False Held");
    expect(status.reason).toBe(hold);
  });

  it("is Degraded with everything that hinders it, failed tasks among it", () => {
    const hindrances = [
      { reason: "QuotaExceeded", message: "quota for a day" },
      { reason: "BadAnnotation", message: "retry cannot be read" },
    ];
    const some = seen("Running", { Running: 1, Failed: 2 });
    const status = look(0, { seen: some, receipt, hindrances });
    expect(conditionOf(status.conditions, "Degraded")).toMatchObject({
      status: "True",
      reason: "QuotaExceeded",
      message: "quota for a day; retry cannot be read; 2 tasks have failed",
    });
    expect(read(look(0, { seen: running }), "Degraded")).toBe(
      "False AsExpected",
    );
  });

  it("keeps what was so while a new controller has not read the plan yet", () => {
    const before = look(0, { seen: running, receipt });
    const status = look(5, {
      previous: before,
      hindrances: [{ reason: "StoreUnavailable", message: "no route" }],
    });
    expect(status).toMatchObject({ phase: "Running", counts: before.counts });
    expect(read(status, "Degraded")).toBe("True StoreUnavailable");
    expect(read(status, "Planned")).toBe("True Planned");
  });

  it("moves the time of a condition only when it flips", () => {
    const first = look(0, { seen: running, receipt });
    const second = look(60, { previous: first, seen: failed, generation: 2 });
    const timeOf = (type: ConditionType) =>
      conditionOf(second.conditions, type)?.lastTransitionTime;
    expect(timeOf("Planned")).toBe("2026-01-01T00:00:00Z");
    expect(timeOf("Failed")).toBe("2026-01-01T00:01:00Z");
    expect(second.startedAt).toBe(first.startedAt);
    expect(second.conditions.map((c) => c.observedGeneration)).toEqual(
      Array(7).fill(2),
    );
  });
});

describe("the end of a Run", () => {
  it.each([
    ["Succeeded", "True Succeeded", "False Succeeded"],
    ["Failed", "False Failed", "True Failed"],
    ["Cancelled", "False Cancelled", "True Cancelled"],
  ] as const)("%s is what two conditions say", (phase, wantGood, wantBad) => {
    const status = look(0, { seen: seen(phase), receipt });
    expect(read(status, "Succeeded")).toBe(wantGood);
    expect(read(status, "Failed")).toBe(wantBad);
    expect(read(status, "Progressing")).toBe("False Finished");
  });

  it.each(["Succeeded", "Failed", "Cancelled"] as const)(
    "latches: %s stays, whatever is seen later",
    (phase) => {
      const end = look(0, { seen: seen(phase), receipt });
      const later = look(99, {
        previous: end,
        seen: running,
        generation: 3,
        gpuHours: 9,
      });
      expect(later).toEqual({ ...end, observedGeneration: 3 });
    },
  );

  it("is taken back by a retry that is newer, of a Run that failed", () => {
    const end = look(10, { seen: failed, receipt });
    const at = (second: number) => ({
      retriedAtMs: { x: Date.parse("2026-01-01T00:00:00Z") + second * 1000 },
    });
    expect(isLatched(end, at(5))).toBe(true);
    expect(isLatched(end, at(15))).toBe(false);
    const again = look(20, {
      previous: end,
      seen: running,
      control: { ...noControl, ...at(15) },
    });
    expect(again.phase).toBe("Running");
    expect(again.finishedAt).toBeUndefined();
    expect(read(again, "Failed")).toBe("False NotFinished");
  });

  it("is never taken back from a Run that succeeded", () => {
    const end = look(10, { seen: seen("Succeeded"), receipt });
    const late = { retriedAtMs: { "*": Number.MAX_SAFE_INTEGER } };
    expect(isLatched(end, late)).toBe(true);
  });
});

describe("the notes of a status", () => {
  it("are 20 at most, and each phase has its share of them", () => {
    const phases = ["Failed", "Skipped", "Running", "Pending"] as const;
    const notes = phases.flatMap((phase) =>
      Array.from({ length: 20 }, (_, i) => note(phase, `${phase}-${i}`)),
    );
    const status = look(0, { seen: seen("Running", { Running: 20 }, notes) });
    const kept = status.notes?.map(({ phase }) => phase) ?? [];
    const count = (phase: string) => kept.filter((p) => p === phase).length;
    expect(phases.map(count)).toEqual([10, 2, 3, 5]);
    expect(kept.slice(0, 10)).toEqual(Array(10).fill("Failed"));
  });
});

describe("whether a status is worth a write", () => {
  it("does not depend on the order of keys, which the server changes", () => {
    const status = look(0, { seen: running, receipt });
    const sorted = Object.fromEntries(
      Object.entries(status).sort(([a], [b]) => (a < b ? -1 : 1)),
    ) as RunResourceStatus;
    expect(isDifferent(sorted, status)).toBe(false);
    expect(isDifferent({ ...sorted, reason: "other" }, status)).toBe(true);
    expect(isDifferent(undefined, status)).toBe(true);
  });

  it("is no, where nothing happened but time", () => {
    const first = look(0, { seen: running, receipt });
    const later = look(60, { previous: first, seen: running });
    expect(isDifferent(first, later)).toBe(false);
  });
});
