/** From a key of the queue to a turn of what it names, if it is ours, and to the time of the next one. */
import type { Clock } from "../base/clock.ts";
import type { Kube } from "../kube/kube.ts";
import type { Logger } from "../base/log.ts";
import { parseKey } from "./keys.ts";
import type { Metrics } from "./service/metrics.ts";
import type { Watched } from "./objects.ts";
import type { RunDesk } from "./runs/run-desk.ts";
import { createScheduleLoop, type ScheduleLoop } from "./schedule-loop.ts";
import { isOfStore } from "./runs/step-failure.ts";

export type StepperOptions = {
  readonly kube: Kube;
  readonly watched: Watched;
  readonly desk: RunDesk;
  readonly owns: (uid: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, "step" | "storeFailed">;
};

export type Stepper = {
  /** One turn. Returns milliseconds until the next; null: only on a change. */
  step(key: string): Promise<number | null>;
  /** The turn that goes on for longest, since a moment of the monotonic clock. */
  longestTurn(): { readonly key: string; readonly sinceMs: number } | null;
};

export function createStepper(options: StepperOptions): Stepper {
  const { watched, desk, owns, clock, metrics } = options;
  const schedules = new Map<string, { uid: string; loop: ScheduleLoop }>();
  const turns = new Map<string, number>();

  const stepRun = async (
    key: string,
    { namespace, name }: { namespace: string; name: string },
  ): Promise<number | null> => {
    const run = watched.runs.get(namespace, name);
    if (run !== null && owns(run.metadata.uid ?? ""))
      return await desk.step(key, run);
    await desk.leave(key);
    return null;
  };
  const stepSchedule = async (
    key: string,
    { namespace, name }: { namespace: string; name: string },
  ): Promise<number | null> => {
    const schedule = watched.schedules.get(namespace, name);
    const { uid = "", deletionTimestamp } = schedule?.metadata ?? {};
    if (schedule === null || deletionTimestamp !== undefined || !owns(uid)) {
      schedules.delete(key);
      return null;
    }
    const known = schedules.get(key);
    const entry =
      known?.uid === uid ? known : { uid, loop: createScheduleLoop(options) };
    schedules.set(key, entry);
    return await entry.loop.step(schedule, watched.runs.byIndex(uid));
  };

  return {
    async step(key) {
      const named = parseKey(key);
      const startMs = clock.monotonicMs();
      turns.set(key, startMs);
      try {
        return named.kind === "run"
          ? await stepRun(key, named)
          : await stepSchedule(key, named);
      } catch (thrown) {
        if (isOfStore(thrown)) metrics.storeFailed();
        throw thrown;
      } finally {
        turns.delete(key);
        metrics.step(named.kind, (clock.monotonicMs() - startMs) / 1000);
      }
    },
    longestTurn() {
      // In the order of their coming, as maps are.
      for (const [key, sinceMs] of turns) return { key, sinceMs };
      return null;
    },
  };
}
