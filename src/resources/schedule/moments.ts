/**
 * The moments of a schedule: arithmetic on a calendar, without a timer and without a clock. Moments are milliseconds
 * since 1970, whole minutes, and strictly increasing, also where clocks change:
 *
 * - a time of day that the change leaves out is run at the first moment after the gap; one that comes twice, once, at its
 *   first occurrence (as Vixie cron does, so that a nightly run is one a night);
 * - minutes or hours with `*` or a step go on through both: every occurrence, and nothing in the gap.
 *
 * The library's `?` (the moment at which a pattern is read) is refused: it would make the arithmetic depend on the clock.
 */
import { Cron } from "croner";
import { streamOf, uniform } from "../../base/random.ts";
import type { ScheduleSpec } from "../schedule-resource.ts";

const FIELD = "[0-9A-Za-z*,/#-]+";

/** Five fields of cron, or a name for them; the same pattern in the CRD, so no more than RE2 knows. */
export const CRON_SHAPE = new RegExp(
  `^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|${FIELD}( +${FIELD}){4})$`,
);

export type Calendar = {
  /** The first moment after this time; null: there is none, as for the 30th of February. */
  next(afterMs: number): number | null;
  /** The last moment at or before this time. */
  last(untilMs: number): number | null;
};

/** What is wrong with the schedule or its time zone, in one sentence, or its calendar. */
export function openCalendar(
  spec: Pick<ScheduleSpec, "schedule" | "timeZone">,
): { readonly problem: string } | { readonly calendar: Calendar } {
  const { schedule, timeZone = "Etc/UTC" } = spec;
  if (!CRON_SHAPE.test(schedule))
    return {
      problem: `'${schedule}' is not a schedule: expected five fields of cron, such as 30 2 * * MON-FRI, or @daily`,
    };
  if (!isTimeZone(timeZone))
    return {
      problem: `'${timeZone}' is not a time zone that is known here: expected an IANA name, such as Europe/Zurich`,
    };
  let cron: Cron;
  try {
    cron = new Cron(schedule, {
      timezone: timeZone,
      mode: "5-part",
      fixedTimeRule: "no-wildcard",
    });
  } catch (thrown) {
    // The library throws TypeError and RangeError for what a pattern may not say.
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return {
      problem: `'${schedule}' is not a schedule: ${why.replace(/^CronPattern: /, "")}`,
    };
  }
  return { calendar: toCalendar(cron) };
}

function toCalendar(cron: Cron): Calendar {
  return {
    next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() ?? null,
    last: (untilMs) =>
      // The library looks before a whole second.
      cron
        .previousRuns(1, new Date(Math.floor(untilMs / 1000) * 1000 + 1000))[0]
        ?.getTime() ?? null,
  };
}

/** Known to this program: it carries its own table of time zones. */
function isTimeZone(name: string): boolean {
  try {
    Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
}

/** The first moment of the schedule after this time; null: there is none, or the schedule is wrong. */
export function nextMoment(
  spec: Pick<ScheduleSpec, "schedule" | "timeZone">,
  afterMs: number,
): number | null {
  const opened = openCalendar(spec);
  return "calendar" in opened ? opened.calendar.next(afterMs) : null;
}

/**
 * When the Run of a moment starts: up to `jitterSeconds` later, but before the next moment, so that Runs start in the
 * order of their moments. The same for the same Schedule and moment, whoever asks.
 */
export function startOf(
  atMs: number,
  schedule: {
    readonly uid: string;
    readonly jitterSeconds: number;
    readonly calendar: Calendar;
  },
): number {
  const { uid, jitterSeconds, calendar } = schedule;
  if (jitterSeconds === 0) return atMs;
  const next = calendar.next(atMs) ?? Number.POSITIVE_INFINITY;
  const mostMs = Math.min(jitterSeconds * 1000, next - atMs);
  const draw = uniform(streamOf(uid), Math.floor(atMs / 60_000));
  return atMs + Math.floor(mostMs * draw);
}
