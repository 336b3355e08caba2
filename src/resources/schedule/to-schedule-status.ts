/** What is seen of a Schedule → its status. Pure; written after what is due was started. */
import { cutReason } from "../../run/to-notes.ts";
import { toConditions, toTime, type Claim } from "../conditions.ts";
import type { Run } from "../run-resource.ts";
import type { Schedule, ScheduleStatus } from "../schedule-resource.ts";
import type { Due } from "./due-moments.ts";
import { runNameOf } from "./run-of-moment.ts";
import { endedMs, isActive } from "./runs-of.ts";

const MAX_ACTIVE = 20;
const MAX_TEXT_BYTES = 500;

/**
 * The status when `due.start` has been created and `due.replace` removed.
 * @param options.runs all that the Schedule owns, as `dueMoments` saw them.
 */
export function toScheduleStatus(options: {
  readonly schedule: Schedule;
  readonly runs: readonly Run[];
  readonly due: Due;
  readonly nowMs: number;
}): ScheduleStatus {
  const { schedule, runs, due, nowMs } = options;
  const previous = schedule.status;
  const generation = schedule.metadata.generation ?? 0;
  const lastMs = due.doneUntilMs;
  const skipped = (previous?.skipped ?? 0) + (due.skipped?.count ?? 0);
  const backfill = due.backfill ?? previous?.backfill;
  return {
    observedGeneration: generation,
    conditions: toConditions(toClaims(schedule, due), {
      previous: previous?.conditions,
      generation,
      nowMs,
    }),
    ...(lastMs === null
      ? said({ lastScheduleTime: previous?.lastScheduleTime })
      : { lastScheduleTime: toTime(lastMs) }),
    ...toResults(runs, previous),
    ...(due.nextMs === null ? {} : { nextScheduleTime: toTime(due.nextMs) }),
    active: toActive(schedule, runs, due),
    skipped,
    ...(backfill === undefined || schedule.spec.backfill === undefined
      ? {}
      : { backfill }),
  };
}

function toClaims(
  { spec }: Schedule,
  due: Due,
): readonly Claim<"Ready" | "Degraded">[] {
  const problem = cutReason(due.problems.join("; "), MAX_TEXT_BYTES);
  const isStuck = due.problems.length > 0;
  const ready = (isSo: boolean, reason: string, message: string) =>
    ({
      type: "Ready",
      status: isSo ? "True" : "False",
      reason,
      message,
    }) as const;
  const degraded = {
    type: "Degraded",
    status: isStuck ? "True" : "False",
    reason: isStuck ? "Misconfigured" : "AsExpected",
    message: problem,
  } as const;
  if (isStuck && due.nextMs === null)
    return [ready(false, "Misconfigured", problem), degraded];
  if (spec.suspend)
    return [ready(false, "Suspended", "spec.suspend is true"), degraded];
  if (due.waiting !== null)
    return [ready(true, "WaitsForRun", due.waiting), degraded];
  if (due.nextMs === null)
    return [ready(false, "NoMoment", "no moment is to come"), degraded];
  const skipped =
    due.skipped === null
      ? ""
      : `${due.skipped.count} skipped: ${due.skipped.reason}`;
  return [ready(true, "Scheduled", skipped), degraded];
}

/** Of the Run that ended last, and of the last one that succeeded; as before, where those are removed by now. */
function toResults(
  runs: readonly Run[],
  previous: ScheduleStatus | undefined,
): Partial<ScheduleStatus> {
  const ended = runs
    .filter((run) => !isActive(run))
    .sort((a, b) => endedMs(a) - endedMs(b));
  const last = ended.at(-1);
  const good = ended.findLast((run) => run.status?.phase === "Succeeded");
  const isNewer = (run: Run, than: string | undefined): boolean =>
    than === undefined || endedMs(run) > Date.parse(than);
  const { lastEndTime, lastResult, lastSuccessfulTime } = previous ?? {};
  return {
    ...(last?.status !== undefined && isNewer(last, lastEndTime)
      ? {
          lastEndTime: toTime(endedMs(last)),
          lastResult: cutReason(
            `${last.status.phase}, ${last.status.reason}`,
            MAX_TEXT_BYTES,
          ),
        }
      : said({ lastEndTime, lastResult })),
    ...(good !== undefined && isNewer(good, lastSuccessfulTime)
      ? { lastSuccessfulTime: toTime(endedMs(good)) }
      : said({ lastSuccessfulTime })),
  };
}

/** Without what is undefined. */
function said(
  fields: Readonly<Record<string, string | undefined>>,
): Partial<ScheduleStatus> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  );
}

function toActive(
  { metadata }: Schedule,
  runs: readonly Run[],
  { start, replace }: Due,
): readonly string[] {
  const names = new Set([
    ...runs.filter(isActive).map((run) => run.metadata.name),
    ...start.map(({ atMs }) => runNameOf(metadata.name, atMs)),
  ]);
  for (const name of replace) names.delete(name);
  return [...names].sort().slice(0, MAX_ACTIVE);
}
