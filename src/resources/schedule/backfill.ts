/**
 * The moments of a past range that are still to be run, oldest first, `maxAtOnce` at a time.
 *
 * It goes on from `status.backfill`, which is written after the Runs were created: a controller that dies between the two
 * finds the Runs, whose names follow from their moments, and counts them instead of making them again. So each moment has
 * a Run exactly once, as long as ended Runs are removed after that status is written.
 *
 * The range ends where the Schedule's own moments begin that it has not come to yet.
 */
import { toTime } from "../conditions.ts";
import type { Run } from "../run-resource.ts";
import type { Schedule, ScheduleStatus } from "../schedule-resource.ts";
import type { Calendar } from "./moments.ts";
import { runNameOf, type Moment } from "./run-of-moment.ts";
import { isActive, isOfBackfill } from "./runs-of.ts";

/** Half a year of hours. Counted at once: a moment costs a tenth of a millisecond. */
export const MAX_MOMENTS = 5000;

export type BackfillProgress = NonNullable<ScheduleStatus["backfill"]>;

export type DueBackfill = {
  readonly start: readonly Moment[];
  /** When `start` has been created. Null: there is no backfill. */
  readonly progress: BackfillProgress | null;
  readonly problem: string | null;
};

const nothing: DueBackfill = { start: [], progress: null, problem: null };

/** @param options.doneUntilMs the Schedule itself has dealt with its moments up to this one. */
export function dueBackfill(options: {
  readonly schedule: Schedule;
  readonly runs: readonly Run[];
  readonly calendar: Calendar;
  readonly doneUntilMs: number;
}): DueBackfill {
  const { schedule, runs, calendar, doneUntilMs } = options;
  const { spec, metadata } = schedule;
  if (spec.backfill === undefined) return nothing;
  const range = toRange(spec.backfill, doneUntilMs);
  const before = begin(schedule, range, calendar);
  if (before === null)
    return {
      ...nothing,
      problem: `backfill has more than ${MAX_MOMENTS} moments: choose a shorter range`,
    };
  const ofBackfill = runs.filter(isOfBackfill).filter(isActive);
  let free = (spec.backfill.maxAtOnce ?? 1) - ofBackfill.length;
  let { started } = before;
  let upToMs = before.upTo === undefined ? null : Date.parse(before.upTo);
  const known = new Set(runs.map((run) => run.metadata.name));
  const start: Moment[] = [];
  for (;;) {
    const atMs = calendar.next(upToMs ?? range.fromMs - 1);
    if (spec.suspend || atMs === null || atMs >= range.endMs) break;
    if (!known.has(runNameOf(metadata.name, atMs))) {
      if (free <= 0) break;
      free--;
      start.push({ atMs, isBackfill: true });
    }
    started++;
    upToMs = atMs;
  }
  const progress = {
    of: before.of,
    total: Math.max(before.total, started),
    started,
    done: Math.max(0, started - start.length - ofBackfill.length),
    ...(upToMs === null ? {} : { upTo: toTime(upToMs) }),
  };
  return { start, progress, problem: null };
}

type Range = {
  readonly fromMs: number;
  readonly endMs: number;
  /** More moments come to it as time goes on. */
  readonly grows: boolean;
};

function toRange(
  { from, to }: { readonly from: string; readonly to: string },
  doneUntilMs: number,
): Range {
  const toMs = Date.parse(to);
  return {
    fromMs: Date.parse(from),
    endMs: Math.min(toMs, doneUntilMs + 1),
    grows: toMs > doneUntilMs + 1,
  };
}

/** Where it stands: as the status says, if that is of this range. Null: there is too much. */
function begin(
  { spec, status }: Schedule,
  range: Range,
  calendar: Calendar,
): BackfillProgress | null {
  const of = [
    `${spec.backfill?.from}/${spec.backfill?.to}`,
    spec.schedule,
    spec.timeZone ?? "Etc/UTC",
  ].join(" ");
  const said = status?.backfill;
  if (said?.of === of && !range.grows) return said;
  const total = countMoments(calendar, range);
  if (total > MAX_MOMENTS) return null;
  return said?.of === of
    ? { ...said, total }
    : { of, total, started: 0, done: 0 };
}

/** At most one more than there may be. */
function countMoments(
  calendar: Calendar,
  { fromMs, endMs }: Pick<Range, "fromMs" | "endMs">,
): number {
  let count = 0;
  let atMs = calendar.next(fromMs - 1);
  while (atMs !== null && atMs < endMs && count <= MAX_MOMENTS) {
    count++;
    atMs = calendar.next(atMs);
  }
  return count;
}
