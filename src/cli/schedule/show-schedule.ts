/** `hueline schedule ls` and `show`: what Schedules there are; of one, what is to come, what came of it, what was skipped. */
import { ExitCode } from "../../base/errors.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import { conditionOf, toTime } from "../../resources/conditions.ts";
import { annotations, labels } from "../../resources/labels.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Schedule } from "../../resources/schedule-resource.ts";
import { openCalendar, startOf } from "../../resources/schedule/moments.ts";
import { byAge } from "../cluster/find-run.ts";
import { formatAge } from "../cluster/run-view.ts";
import type { Environment } from "../environment.ts";
import {
  formatTable,
  painterFor,
  printJson,
  type OutputFormat,
  type Paint,
} from "../output.ts";
import { listSchedules } from "./find-schedule.ts";
import { formatTimeThere } from "./parse-moment.ts";

const NEXT = 5;
const LAST = 10;

type ShowRequest = {
  readonly kube: Kube;
  readonly environment: Environment;
  readonly options: { readonly output: OutputFormat };
};

export async function showSchedules({
  kube,
  environment: { stdout, stderr, clock },
  options: { output },
}: ShowRequest): Promise<ExitCode> {
  const schedules = await listSchedules(kube);
  if (output === "json") printJson(stdout, schedules.map(toJson));
  else if (schedules.length > 0)
    stdout.write(formatSchedules(schedules, clock.now()));
  else stderr.write(`there is no Schedule in namespace '${kube.namespace}'\n`);
  return ExitCode.done;
}

function toJson({ metadata: { name }, spec, status }: Schedule) {
  // The pipeline is long, and said by the Runs.
  const { run: _, ...clock } = spec;
  return { name, ...clock, status };
}

function formatSchedules(
  schedules: readonly Schedule[],
  nowMs: number,
): string {
  return formatTable(schedules, [
    { title: "name", value: ({ metadata }) => metadata.name },
    { title: "schedule", value: ({ spec }) => spec.schedule },
    { title: "time zone", value: ({ spec }) => spec.timeZone ?? "Etc/UTC" },
    { title: "suspended", value: ({ spec }) => (spec.suspend ? "yes" : "no") },
    {
      title: "active",
      value: ({ status }) => String(status?.active?.length ?? 0),
      align: "right",
    },
    {
      title: "last",
      value: ({ status }) => formatAge(status?.lastScheduleTime, nowMs),
      align: "right",
    },
    { title: "next", value: ({ status }) => status?.nextScheduleTime ?? "" },
    { title: "last result", value: ({ status }) => status?.lastResult ?? "" },
    {
      title: "age",
      value: ({ metadata }) => formatAge(metadata.creationTimestamp, nowMs),
      align: "right",
    },
  ]);
}

export async function showSchedule({
  kube,
  schedule,
  environment: { stdout, clock, variables },
  options: { output },
}: ShowRequest & { readonly schedule: Schedule }): Promise<ExitCode> {
  const labelSelector = `${labels.schedule}=${schedule.metadata.name}`;
  const { namespace } = kube;
  const { items } = await kube.list<Run>(resources.run, {
    namespace,
    labelSelector,
  });
  const runs = items.toSorted(byAge).slice(0, LAST);
  const next = nextMoments(schedule, clock.now());
  if (output === "json")
    printJson(stdout, {
      ...toJson(schedule),
      next: next.map(({ startMs }) => toTime(startMs)),
      runs: runs.map(toResult),
    });
  else
    stdout.write(
      formatSchedule(schedule, { next, runs }, painterFor(stdout, variables)),
    );
  return ExitCode.done;
}

type Next = { readonly atMs: number; readonly startMs: number };

function nextMoments(
  { metadata, spec, status }: Schedule,
  nowMs: number,
): readonly Next[] {
  const opened = openCalendar(spec);
  if ("problem" in opened || spec.suspend) return [];
  const { calendar } = opened;
  const { jitterSeconds = 0 } = spec;
  const jitter = { uid: metadata.uid ?? "", jitterSeconds, calendar };
  const doneMs = Date.parse(status?.lastScheduleTime ?? "") || 0;
  const moments: Next[] = [];
  let atMs = calendar.next(Math.max(nowMs, doneMs));
  while (atMs !== null && moments.length < NEXT) {
    moments.push({ atMs, startMs: startOf(atMs, jitter) });
    atMs = calendar.next(atMs);
  }
  return moments;
}

function toResult({ metadata, status }: Run) {
  const moment = metadata.annotations?.[annotations.scheduledAt] ?? "";
  const { phase = "Planning", reason = "" } = status ?? {};
  const isBackfill = metadata.annotations?.[annotations.backfill] === "true";
  return { run: metadata.name, moment, phase, reason, isBackfill };
}

function formatSchedule(
  { metadata, spec, status }: Schedule,
  seen: { readonly next: readonly Next[]; readonly runs: readonly Run[] },
  paint: Paint,
): string {
  const { timeZone } = spec;
  const ready = conditionOf(status?.conditions, "Ready");
  const degraded = conditionOf(status?.conditions, "Degraded");
  const state = spec.suspend
    ? "suspended"
    : (ready?.reason ?? "no controller has looked at it yet");
  const facts: (readonly [string, string | undefined | false])[] = [
    ["attention", degraded?.status === "True" && degraded.message],
    ["skipped", toSkipped(status, ready?.message)],
    ["backfill", toBackfill(status)],
    ...seen.next.map(
      ({ atMs, startMs }, place) =>
        [
          place === 0 ? "next" : "",
          `${toTime(startMs)}${timeZone === undefined ? "" : `  ${formatTimeThere(atMs, timeZone)}`}`,
        ] as const,
    ),
  ];
  const lines = facts.flatMap(([what, words]) =>
    words ? [`${what.padEnd(9)} ${words}`] : [],
  );
  const head = `${paint("bold", metadata.name)}  ${spec.schedule} ${timeZone ?? "Etc/UTC"}: ${state}`;
  const results = seen.runs.map(toResult);
  const table = formatTable(results, [
    { title: "run", value: ({ run }) => run },
    {
      title: "moment",
      value: ({ moment, isBackfill }) =>
        `${moment}${isBackfill ? " (backfill)" : ""}`,
    },
    { title: "phase", value: ({ phase }) => phase },
    { title: "reason", value: ({ reason }) => reason },
  ]);
  const shown = results.length === 0 ? "no Run yet\n" : table;
  return `${[head, ...lines].join("\n")}\n\n${shown}`;
}

function toSkipped(
  status: Schedule["status"],
  why: string | undefined,
): string | undefined {
  const count = status?.skipped ?? 0;
  if (count === 0 && !why) return undefined;
  return `${count} so far${why ? `; ${why}` : ""}`;
}

function toBackfill(status: Schedule["status"]): string | undefined {
  const backfill = status?.backfill;
  if (backfill === undefined) return undefined;
  const { done, started, total } = backfill;
  return `${done} of ${total} moments done, ${started - done} of them run now`;
}
