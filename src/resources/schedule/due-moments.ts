/**
 * Which moments of a Schedule are to be started now: pure, from the Schedule, its Runs and the time. The rules are those
 * of `CronJob`, so that the words mean what people know:
 *
 * - Of the moments since `status.lastScheduleTime` (since the Schedule was made, at first) only the last one is started;
 *   those before it were missed, which is counted: all of them, or 100 where there are more.
 * - It is skipped if it is over `startingDeadlineSeconds`. With `Forbid` it waits while a Run has not ended, until the
 *   deadline or the next moment makes an end of it. With `Replace` those Runs are removed first.
 * - A suspended Schedule starts nothing, and begins with the last moment that it missed when it goes on.
 *
 * Time that goes backwards starts nothing again, since a moment that was dealt with stays in the status. A backfill has
 * its own Runs, which these rules do not see.
 */
import { toTime } from "../conditions.ts";
import type { Run } from "../run-resource.ts";
import type { Schedule, ScheduleSpec } from "../schedule-resource.ts";
import { dueBackfill, type DueBackfill } from "./backfill.ts";
import { openCalendar, startOf, type Calendar } from "./moments.ts";
import { findUnknownWords, runNameOf, type Moment } from "./run-of-moment.ts";
import { isActive, isOfBackfill } from "./runs-of.ts";

export type Due = {
  /** What must be mended first: nothing is started. */
  readonly problems: readonly string[];
  readonly start: readonly Moment[];
  /** Names of Runs that are to be removed before. */
  readonly replace: readonly string[];
  /** Moments that are never started, and why the last of them. */
  readonly skipped: { readonly count: number; readonly reason: string } | null;
  /** Why a moment that is due is not started yet. */
  readonly waiting: string | null;
  /** The last moment that was dealt with, if `start` is created: never before that of the status. */
  readonly doneUntilMs: number | null;
  readonly nextMs: number | null;
  /** When to look again, if nothing happens; null: never. */
  readonly lookAgainAtMs: number | null;
  readonly backfill: DueBackfill["progress"];
};

const MAX_COUNTED = 100;

export function dueMoments(options: {
  readonly schedule: Schedule;
  /** All that the Schedule owns. */
  readonly runs: readonly Run[];
  readonly nowMs: number;
}): Due {
  const { schedule, runs, nowMs } = options;
  const opened = openCalendar(schedule.spec);
  const problems = [
    ...("problem" in opened ? [opened.problem] : []),
    ...findUnknownWords(schedule.spec),
  ];
  if ("problem" in opened || problems.length > 0) return stuck(problems);
  const { calendar } = opened;
  const own = dueOwn({ schedule, runs, nowMs, calendar });
  const doneUntilMs = own.doneUntilMs ?? sinceMs(schedule);
  const backfill = dueBackfill({ schedule, runs, calendar, doneUntilMs });
  return {
    ...own,
    problems: backfill.problem === null ? [] : [backfill.problem],
    start: [...own.start, ...backfill.start],
    nextMs: calendar.next(Math.max(nowMs, doneUntilMs)),
    backfill: backfill.progress,
  };
}

function stuck(problems: readonly string[]): Due {
  return {
    problems,
    start: [],
    replace: [],
    skipped: null,
    waiting: null,
    doneUntilMs: null,
    nextMs: null,
    lookAgainAtMs: null,
    backfill: null,
  };
}

type Own = Omit<Due, "problems" | "nextMs" | "backfill">;

type World = {
  readonly schedule: Schedule;
  readonly runs: readonly Run[];
  readonly nowMs: number;
  readonly calendar: Calendar;
};

/** What the Schedule itself has to do, without its backfill. */
function dueOwn(world: World): Own {
  const { schedule, nowMs } = world;
  const { status } = schedule;
  const last = status?.lastScheduleTime;
  const idle: Own = {
    start: [],
    replace: [],
    skipped: null,
    waiting: null,
    doneUntilMs: last === undefined ? null : Date.parse(last),
    lookAgainAtMs: lookAgainAtMs(world),
  };
  const due = findDue(world);
  if (due === null || schedule.spec.suspend) return idle;
  const { atMs, startMs, missed } = due;
  const { startingDeadlineSeconds } = schedule.spec;
  const deadlineMs =
    startMs + (startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  const skip = (count: number, reason: string): Own["skipped"] =>
    count === 0 ? null : { count, reason };
  if (nowMs > deadlineMs) {
    const reason = `${toTime(atMs)} was missed by more than startingDeadlineSeconds`;
    return { ...idle, skipped: skip(missed + 1, reason), doneUntilMs: atMs };
  }
  const skipped = skip(missed, `${toTime(atMs)} came before they were started`);
  const policed = applyPolicy(world, atMs);
  if (policed.waiting !== null)
    return {
      ...idle,
      ...policed,
      skipped,
      doneUntilMs: due.previousMs ?? idle.doneUntilMs,
      lookAgainAtMs: Math.min(
        deadlineMs + 1,
        idle.lookAgainAtMs ?? Number.POSITIVE_INFINITY,
      ),
    };
  return { ...idle, ...policed, skipped, doneUntilMs: atMs };
}

type DueMoment = {
  readonly atMs: number;
  readonly startMs: number;
  /** The moment before it, if that was missed, and how many were. */
  readonly previousMs: number | null;
  readonly missed: number;
};

/** The last moment whose start has come since the last one that was dealt with. */
function findDue(world: World): DueMoment | null {
  const { schedule, nowMs, calendar } = world;
  const passed: number[] = [];
  let atMs = calendar.next(sinceMs(schedule));
  while (atMs !== null && startsAt(world, atMs) <= nowMs) {
    passed.push(atMs);
    atMs = calendar.next(atMs);
    if (passed.length > MAX_COUNTED) return lastOfMany(world);
  }
  const last = passed.at(-1);
  if (last === undefined) return null;
  return {
    atMs: last,
    startMs: startsAt(world, last),
    previousMs: passed.at(-2) ?? null,
    missed: passed.length - 1,
  };
}

function lastOfMany(world: World): DueMoment | null {
  const { calendar, nowMs } = world;
  let atMs = calendar.last(nowMs);
  if (atMs !== null && startsAt(world, atMs) > nowMs)
    atMs = calendar.last(atMs - 1);
  if (atMs === null) return null;
  return {
    atMs,
    startMs: startsAt(world, atMs),
    previousMs: calendar.last(atMs - 1),
    missed: MAX_COUNTED,
  };
}

function applyPolicy(
  { schedule, runs }: World,
  atMs: number,
): Pick<Own, "start" | "replace" | "waiting"> {
  const { metadata, spec } = schedule;
  const nothing = { start: [], replace: [], waiting: null };
  const name = runNameOf(metadata.name, atMs);
  // Made by a controller that could not write it down any more, or by a backfill.
  if (runs.some((run) => run.metadata.name === name)) return nothing;
  const start = [{ atMs, isBackfill: false }];
  const active = runs
    .filter((run) => isActive(run) && !isOfBackfill(run))
    .map((run) => run.metadata.name)
    .sort();
  const policy = spec.concurrencyPolicy ?? "Allow";
  if (active.length === 0 || policy === "Allow") return { ...nothing, start };
  if (policy === "Replace") return { ...nothing, start, replace: active };
  const waiting = `${toTime(atMs)} waits for the end of ${active[0]}: concurrencyPolicy is Forbid`;
  return { ...nothing, waiting };
}

/** Moments up to this one are dealt with. */
function sinceMs({ status, metadata }: Schedule): number {
  return Date.parse(
    status?.lastScheduleTime ?? metadata.creationTimestamp ?? "",
  );
}

/** When the first moment starts whose time has not come. */
function lookAgainAtMs(world: World): number | null {
  const { schedule, nowMs, calendar } = world;
  const last = calendar.last(nowMs);
  if (last !== null && last > sinceMs(schedule)) {
    const startMs = startsAt(world, last);
    if (startMs > nowMs) return startMs;
  }
  const next = calendar.next(Math.max(nowMs, sinceMs(schedule)));
  return next === null ? null : startsAt(world, next);
}

function startsAt({ schedule, calendar }: World, atMs: number): number {
  const {
    metadata,
    spec,
  }: { metadata: Schedule["metadata"]; spec: ScheduleSpec } = schedule;
  const jitterSeconds = spec.jitterSeconds ?? 0;
  return startOf(atMs, { uid: metadata.uid ?? "", jitterSeconds, calendar });
}
