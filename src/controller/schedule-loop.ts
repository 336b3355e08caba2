/**
 * One Schedule: what is due is decided by `resources/schedule`, pure; here it is done. In an order that a crash at any
 * point forgives: what is replaced goes first, then Runs are made, whose names follow from their moments, then comes the
 * status that says so, and only then the history goes: what is gone could not be counted again.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { resources, type Kube, type KubeObject } from "../kube/kube.ts";
import { KubeRefusal } from "../kube/refusal.ts";
import type { Run } from "../resources/run-resource.ts";
import type {
  Schedule,
  ScheduleStatus,
} from "../resources/schedule-resource.ts";
import { dueMoments } from "../resources/schedule/due-moments.ts";
import { runFor } from "../resources/schedule/run-of-moment.ts";
import { runsToRemove } from "../resources/schedule/runs-of.ts";
import { toScheduleStatus } from "../resources/schedule/to-schedule-status.ts";
import { isDeepStrictEqual } from "node:util";

const FIELD_MANAGER = "hueline-controller";
/** Timers beyond 24.8 days fire at once; looking again sooner costs nothing. */
const LOOK_AT_LATEST_MS = 3_600_000;

export type ScheduleLoop = {
  /**
   * One turn.
   * @param runs all Runs that the Schedule owns.
   * @returns milliseconds until the next moment; null: only on a change.
   */
  step(schedule: Schedule, runs: readonly Run[]): Promise<number | null>;
};

export function createScheduleLoop(options: {
  readonly kube: Kube;
  readonly clock: Clock;
  readonly log: Logger;
}): ScheduleLoop {
  const { kube, clock, log } = options;
  /** Informers lag behind; what was counted once is not counted again. */
  let written: ScheduleStatus | undefined;

  const createRun = async (run: Run): Promise<void> => {
    try {
      await kube.create(resources.run, run);
      log.info({ run: run.metadata.name }, "a Run of a Schedule was made");
    } catch (thrown) {
      const isThere =
        thrown instanceof KubeRefusal && thrown.reason === "AlreadyExists";
      if (!isThere) throw thrown;
    }
  };
  const removeRun = async ({ metadata }: Run): Promise<void> => {
    const { name, namespace = "", uid = "" } = metadata;
    await kube.remove(resources.run, { name, namespace }, { uid });
  };

  return {
    async step(found, runs) {
      const nowMs = clock.now();
      const status = written ?? found.status;
      const schedule = { ...found, ...(status && { status }) };
      const due = dueMoments({ schedule, runs, nowMs });
      const replaced = new Set(due.replace);
      for (const run of runs)
        if (replaced.has(run.metadata.name)) await removeRun(run);
      for (const moment of due.start) await createRun(runFor(schedule, moment));
      const after = toScheduleStatus({ schedule, runs, due, nowMs });
      if (!isDeepStrictEqual(status, after))
        await applyStatus(kube, schedule, after);
      written = after;
      for (const run of runsToRemove(schedule.spec, runs)) await removeRun(run);
      if (due.lookAgainAtMs === null) return null;
      return Math.min(
        LOOK_AT_LATEST_MS,
        Math.max(0, due.lookAgainAtMs - nowMs),
      );
    },
  };
}

async function applyStatus(
  kube: Kube,
  { apiVersion, kind, metadata }: Schedule,
  status: ScheduleStatus,
): Promise<void> {
  const { name, namespace, uid } = metadata;
  const object = {
    apiVersion,
    kind,
    metadata: { name, namespace, uid },
    status,
  } as KubeObject;
  await kube.apply(resources.schedule, object, {
    fieldManager: FIELD_MANAGER,
    subresource: "status",
  });
}
