/**
 * A moment of a Schedule → its Run: the same object whoever makes it, so that "already exists" is success and a moment
 * never has two. Params may use `${schedule.time}` and `${schedule.date}`; another word after `schedule.` is a mistake.
 */
import { createHash } from "node:crypto";
import { toTime } from "../conditions.ts";
import { annotations, labels } from "../labels.ts";
import type { Run, RunSpec } from "../run-resource.ts";
import type { Schedule, ScheduleSpec } from "../schedule-resource.ts";

export type Moment = {
  readonly atMs: number;
  readonly isBackfill: boolean;
};

/** As that of a CronJob's Jobs: what is made of the Run gets longer names. */
const MAX_NAME = 52;
const HASH_DIGITS = 8;
const WORD = /\$\{\s*schedule\.([^}]*?)\s*\}/g;

/** @param schedule as the API server has it: one without a uid or a namespace is a bug and throws. */
export function runFor(schedule: Schedule, moment: Moment): Run {
  const { name, namespace, uid } = schedule.metadata;
  if (uid === undefined || namespace === undefined)
    throw new Error(`Schedule '${name}' was not read from a server`);
  const { metadata, spec } = schedule.spec.run;
  return {
    apiVersion: schedule.apiVersion,
    kind: "Run",
    metadata: {
      name: runNameOf(name, moment.atMs),
      namespace,
      labels: { ...metadata?.labels, [labels.schedule]: name },
      annotations: {
        ...metadata?.annotations,
        [annotations.scheduledAt]: toTime(moment.atMs),
        ...(moment.isBackfill ? { [annotations.backfill]: "true" } : {}),
      },
      ownerReferences: [
        {
          apiVersion: schedule.apiVersion,
          kind: schedule.kind,
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: fillIn(spec, moment.atMs, schedule.spec.timeZone),
  };
}

/** `<schedule>-<yyyymmddhhmm>`, in UTC, so that an hour that comes twice has two names; at most 52 characters. */
export function runNameOf(schedule: string, atMs: number): string {
  const stamp = toTime(atMs).replace(/\D/g, "").slice(0, 12);
  const most = MAX_NAME - stamp.length - 1;
  if (schedule.length <= most) return `${schedule}-${stamp}`;
  const hash = createHash("sha256").update(schedule).digest("hex");
  const kept = schedule.slice(0, most - HASH_DIGITS - 1).replace(/-+$/, "");
  return `${kept}-${hash.slice(0, HASH_DIGITS)}-${stamp}`;
}

/** Params that use a word that there is none of, a sentence each. */
export function findUnknownWords({ run }: ScheduleSpec): readonly string[] {
  return Object.entries(run.spec.params ?? {}).flatMap(([param, value]) =>
    [...value.matchAll(WORD)]
      .filter(([, word]) => word !== "time" && word !== "date")
      .map(
        ([text]) =>
          `param '${param}' has ${text}: expected \${schedule.time} or \${schedule.date}`,
      ),
  );
}

function fillIn(
  spec: RunSpec,
  atMs: number,
  timeZone: string | undefined,
): RunSpec {
  if (spec.params === undefined) return spec;
  const words: Readonly<Record<string, string>> = {
    time: toTime(atMs),
    date: toDate(atMs, timeZone ?? "Etc/UTC"),
  };
  const params = Object.entries(spec.params).map(([name, value]) => [
    name,
    value.replace(WORD, (text, word: string) => words[word] ?? text),
  ]);
  return {
    ...spec,
    params: Object.fromEntries(params) as Record<string, string>,
  };
}

/** `2026-03-29`, as a calendar on the wall there shows it. */
function toDate(atMs: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en", {
    timeZone,
    calendar: "iso8601",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).formatToParts(atMs);
  const part = (type: string): string =>
    parts.find((found) => found.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}`;
}
