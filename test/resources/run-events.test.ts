import { describe, expect, it } from "vitest";
import { noControl } from "../../src/run/observation.ts";
import type { RunStatus } from "../../src/run/status.ts";
import { toEndEvent, toRunEvents } from "../../src/resources/run-events.ts";
import type { RunResourceStatus } from "../../src/resources/run-resource.ts";
import { toRunStatus } from "../../src/resources/run-status.ts";
import { buildRun } from "../support/run-objects.ts";

const startMs = Date.parse("2026-01-01T00:00:00Z");
const run = buildRun();
const receipt = { digest: "d", tasks: 2, cached: 0, shared: 0, peakGpus: 0 };

function seen(
  phase: RunStatus["phase"],
  running: number,
  notes: RunStatus["notes"] = [],
): RunStatus {
  const counts = {
    Pending: 2 - running,
    Running: running,
    Succeeded: 0,
    Failed: 0,
    Skipped: 0,
    Cancelled: 0,
    total: 2,
    cached: 0,
  };
  return { phase, reason: phase.toLowerCase(), counts, stages: [], notes };
}

/** Statuses one after the other, a minute apart, and the Events between them that a server does not have yet. */
function tell(
  steps: readonly (RunStatus | null)[],
  retriedAtMs: Readonly<Record<string, number>> = {},
) {
  let before: RunResourceStatus | undefined;
  const known = new Set<string>();
  return steps.map((status, minute) => {
    const nowMs = startMs + minute * 60_000;
    const after = toRunStatus({
      generation: 1,
      nowMs,
      previous: before,
      control: { ...noControl, retriedAtMs },
      seen: status,
      planProblem: null,
      receipt: status === null ? null : receipt,
      gpuHours: 0,
      store: null,
      hindrances: [],
    });
    const end = toEndEvent(run, after, nowMs);
    const events = [
      ...toRunEvents(run, { before, after, nowMs }),
      ...(end === null ? [] : [end]),
    ].filter(({ metadata }) => !known.has(metadata.name));
    for (const { metadata } of events) known.add(metadata.name);
    const change = { before, after };
    before = after;
    return { events, change };
  });
}

const waiting = {
  task: "a",
  phase: "Pending" as const,
  reason: "no node has a GPU",
  attempts: 1,
};

describe("the Events of a Run", () => {
  it("tell its way, each step once", () => {
    const steps = tell([
      null,
      seen("Pending", 0, [waiting]),
      seen("Running", 1),
      seen("Running", 1),
      seen("Suspended", 0),
      seen("Running", 2),
      seen("Succeeded", 0),
      seen("Running", 1),
    ]);
    expect(
      steps.map(({ events }) => events.map(({ reason }) => reason)),
    ).toEqual([
      [],
      ["Planned", "Waiting"],
      ["Started"],
      [],
      ["Suspended"],
      ["Started", "Resumed"],
      ["Succeeded"],
      [],
    ]);
    const names = steps.flatMap(({ events }) =>
      events.map(({ metadata }) => metadata.name),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it("have the same names whoever tells them and whenever", () => {
    const [, , step] = tell([null, seen("Pending", 0), seen("Running", 1)]);
    const again = toRunEvents(run, {
      before: step?.change.before,
      after: step?.change.after as RunResourceStatus,
      nowMs: startMs + 999_000,
    });
    const names = (events: typeof again | undefined) =>
      events?.map(({ metadata }) => metadata.name);
    expect(names(step?.events)).toHaveLength(1);
    expect(names(again)).toEqual(names(step?.events));
  });

  it("warn of a failure, and name each failed task with its reason", () => {
    const failure = {
      task: "train",
      phase: "Failed" as const,
      reason: "out of memory: it had 2Gi",
      attempts: 3,
    };
    const [, , step] = tell([
      null,
      seen("Running", 1),
      seen("Failed", 0, [failure]),
    ]);
    expect(step?.events).toMatchObject([
      {
        type: "Warning",
        reason: "TaskFailed",
        message: "'train' failed: out of memory: it had 2Gi",
      },
      { type: "Warning", reason: "Failed", message: "failed" },
    ]);
  });

  it("say the end by the status alone, the same whoever finds it and whenever", () => {
    const [, running, ended] = tell([
      null,
      seen("Running", 1),
      seen("Cancelled", 0),
    ]);
    const endOf = (step: typeof ended, atMs: number) =>
      toEndEvent(run, step?.change.after as RunResourceStatus, atMs);
    expect(endOf(running, startMs)).toBeNull();
    const said = ended?.events.at(-1);
    expect(said).toMatchObject({ reason: "Cancelled", message: "cancelled" });
    expect(endOf(ended, startMs + 999_000)?.metadata).toEqual(said?.metadata);
  });

  it("say that a failed Run is tried again", () => {
    const retriedAtMs = { "*": startMs + 90_000 };
    const [, , step] = tell(
      [null, seen("Failed", 0), seen("Running", 1)],
      retriedAtMs,
    );
    expect(step?.events.map(({ reason }) => reason)).toContain("Retried");
  });

  it("are about the object, in its namespace, and short enough for the server", () => {
    const long = { ...seen("Failed", 0), reason: "why ".repeat(1000) };
    const task = {
      ...waiting,
      phase: "Failed" as const,
      reason: "w".repeat(5000),
    };
    const [, step] = tell([null, { ...long, notes: [task] }]);
    expect(step?.events.length).toBeGreaterThan(0);
    for (const event of step?.events ?? []) {
      expect(event.message.length).toBeLessThanOrEqual(1024);
      expect(event.metadata.namespace).toBe("team");
      expect(event.involvedObject.uid).toBe(run.metadata.uid);
    }
  });
});
