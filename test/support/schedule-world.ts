/**
 * A Schedule in a small world of objects: a controller that looks, creates, removes and writes the status, and may die
 * between any two of these. What a server would keep is kept; nothing else.
 */
import type { Run } from "../../src/resources/run-resource.ts";
import type {
  Schedule,
  ScheduleSpec,
} from "../../src/resources/schedule-resource.ts";
import {
  dueMoments,
  type Due,
} from "../../src/resources/schedule/due-moments.ts";
import { runFor } from "../../src/resources/schedule/run-of-moment.ts";
import { runsToRemove } from "../../src/resources/schedule/runs-of.ts";
import { toScheduleStatus } from "../../src/resources/schedule/to-schedule-status.ts";

export function buildSchedule(
  spec: Partial<ScheduleSpec> = {},
  options: {
    readonly name?: string;
    readonly createdAt?: string;
    readonly status?: Schedule["status"];
  } = {},
): Schedule {
  return {
    apiVersion: "hueline.dev/v1alpha1",
    kind: "Schedule",
    metadata: {
      name: options.name ?? "nightly",
      namespace: "team",
      uid: "5c4ed01e-0000-4000-8000-000000000001",
      generation: 1,
      creationTimestamp: options.createdAt ?? "2026-01-01T00:00:00Z",
    },
    spec: {
      schedule: "0 * * * *",
      run: { spec: { pipeline: "name: tiny\n" } },
      ...spec,
    },
    ...(options.status === undefined ? {} : { status: options.status }),
  };
}

/** Where a look may end too early. */
export type Death = "before the status" | "before the removals" | null;

export type ScheduleWorld = {
  schedule: Schedule;
  readonly runs: () => readonly Run[];
  /** Moments that a Run was created for, with those of Runs that are gone. */
  readonly created: string[];
  look(nowMs: number, death?: Death): Due;
  end(name: string, phase: "Succeeded" | "Failed", nowMs: number): void;
};

export function openScheduleWorld(schedule: Schedule): ScheduleWorld {
  const runs = new Map<string, Run>();
  const created: string[] = [];
  const create = (run: Run, nowMs: number): void => {
    if (runs.has(run.metadata.name)) return;
    const creationTimestamp = new Date(nowMs).toISOString();
    const metadata = {
      ...run.metadata,
      uid: `u-${created.length}`,
      creationTimestamp,
    };
    runs.set(run.metadata.name, { ...run, metadata });
    created.push(run.metadata.name);
  };
  const world: ScheduleWorld = {
    schedule,
    created,
    runs: () => [...runs.values()],
    look(nowMs, death = null) {
      const seen = world.runs();
      const due = dueMoments({ schedule: world.schedule, runs: seen, nowMs });
      for (const name of due.replace) runs.delete(name);
      for (const moment of due.start)
        create(runFor(world.schedule, moment), nowMs);
      if (death === "before the status") return due;
      const status = toScheduleStatus({
        schedule: world.schedule,
        runs: seen,
        due,
        nowMs,
      });
      world.schedule = { ...world.schedule, status };
      if (death === "before the removals") return due;
      for (const run of runsToRemove(world.schedule.spec, seen))
        runs.delete(run.metadata.name);
      return due;
    },
    end(name, phase, nowMs) {
      const run = runs.get(name);
      if (run === undefined) throw new Error(`there is no Run '${name}'`);
      const finishedAt = new Date(nowMs).toISOString();
      const status = {
        phase,
        reason: "everything was found in the store",
        observedGeneration: 1,
        conditions: [],
        finishedAt,
      };
      runs.set(name, { ...run, status });
    },
  };
  return world;
}
