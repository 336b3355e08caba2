/** What a Schedule's Runs say: which moment each is of, which run now, which may go. */
import { isEnded } from "../run-status.ts";
import { annotations } from "../labels.ts";
import type { Run } from "../run-resource.ts";
import type { ScheduleSpec } from "../schedule-resource.ts";

const KEEP_SUCCEEDED = 3;
const KEEP_FAILED = 1;

export function isActive(run: Run): boolean {
  return run.status === undefined || !isEnded(run.status.phase);
}

export function isOfBackfill(run: Run): boolean {
  return run.metadata.annotations?.[annotations.backfill] === "true";
}

/** When it ended; when it was made, where its status does not say. */
export function endedMs(run: Run): number {
  const at = run.status?.finishedAt ?? run.metadata.creationTimestamp ?? "";
  return Date.parse(at) || 0;
}

/** Runs that ended and are beyond the limits of the history, the oldest first. */
export function runsToRemove(
  spec: Pick<
    ScheduleSpec,
    "successfulRunsHistoryLimit" | "failedRunsHistoryLimit"
  >,
  runs: readonly Run[],
): readonly Run[] {
  const ended = runs
    .filter((run) => !isActive(run))
    .sort(
      (a, b) =>
        endedMs(a) - endedMs(b) || (a.metadata.name < b.metadata.name ? -1 : 1),
    );
  const isGood = (run: Run): boolean => run.status?.phase === "Succeeded";
  const good = ended.filter(isGood);
  const bad = ended.filter((run) => !isGood(run));
  const beyond = new Set([
    ...dropLast(good, spec.successfulRunsHistoryLimit ?? KEEP_SUCCEEDED),
    ...dropLast(bad, spec.failedRunsHistoryLimit ?? KEEP_FAILED),
  ]);
  return ended.filter((run) => beyond.has(run));
}

function dropLast<T>(items: readonly T[], kept: number): readonly T[] {
  return items.slice(0, Math.max(0, items.length - kept));
}
