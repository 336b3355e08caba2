/**
 * What people ask of a Run, read from the object itself: `spec.suspend`, `spec.budget`, and the annotations `cancel` and
 * `retry`. A wish that cannot be read is a problem to be told in the status (`Degraded`), never a reason to stop.
 */
import type { RunControl } from "../run/observation.ts";
import { annotations } from "./labels.ts";
import type { Run } from "./run-resource.ts";

/** Clocks of people's machines differ; beyond this, a time in the future is a mistake to be told. */
const CLOCK_DIFFERENCE_MS = 5 * 60_000;
/** More characters than this are no list that a person wrote. */
const MAX_TASK_NAME = 63;
const SHOWN = 5;

export type AskedOf = {
  readonly control: RunControl;
  /** What could not be read, a sentence each. */
  readonly problems: readonly string[];
};

/**
 * @param facts.gpuHours used so far, by all of its pods.
 * @param facts.nowMs a retry takes effect at its time, not before: so it counts no failure that is yet to come.
 */
export function controlOf(
  run: Pick<Run, "metadata" | "spec">,
  facts: { readonly gpuHours: number; readonly nowMs: number },
): AskedOf {
  const given = run.metadata.annotations ?? {};
  const cancel = readCancel(given[annotations.cancel]);
  const retry = readRetry(given[annotations.retry], facts.nowMs);
  return {
    control: {
      cancel: cancel.value,
      suspend: run.spec.suspend
        ? "suspended; set spec.suspend to false to go on"
        : null,
      hold: explainHold(run.spec.budget?.gpuHours, facts.gpuHours),
      retriedAtMs: retry.value,
    },
    problems: [...cancel.problems, ...retry.problems],
  };
}

function explainHold(budget: number | undefined, used: number): string | null {
  if (budget === undefined || used < budget) return null;
  return `the budget of ${budget} GPU-hours is used up (${used.toFixed(1)}); raise spec.budget.gpuHours to go on`;
}

type Read<T> = { readonly value: T; readonly problems: readonly string[] };

function readCancel(text: string | undefined): Read<boolean> {
  if (text === undefined || text === "false" || text === "true")
    return { value: text === "true", problems: [] };
  const problem = `annotation ${annotations.cancel} is ${quote(text)}: expected true, or false`;
  return { value: false, problems: [problem] };
}

function readRetry(
  text: string | undefined,
  nowMs: number,
): Read<RunControl["retriedAtMs"]> {
  const value = new Map<string, number>();
  const problems: string[] = [];
  const wishes = (text ?? "").split(",").map((wish) => wish.trim());
  for (const wish of wishes) {
    if (wish === "") continue;
    const read = readWish(wish, nowMs);
    if (typeof read === "string") problems.push(read);
    else if (read.atMs <= nowMs)
      value.set(read.task, Math.max(read.atMs, value.get(read.task) ?? 0));
  }
  return { value: Object.fromEntries(value), problems: cut(problems) };
}

/** `NAME@RFC3339`, or what is wrong with it. */
function readWish(
  wish: string,
  nowMs: number,
): string | { readonly task: string; readonly atMs: number } {
  const where = `annotation ${annotations.retry} has ${quote(wish)}`;
  const [, task, time] = /^([^@]+)@(.+)$/.exec(wish) ?? [];
  if (task === undefined || time === undefined)
    return `${where}: expected NAME@TIME, such as *@2026-01-31T12:00:00Z`;
  if (task !== "*" && !isTaskName(task))
    return `${where}: expected the name of a task, or *`;
  const atMs = RFC3339.test(time) ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(atMs))
    return `${where}: expected a time such as 2026-01-31T12:00:00Z after the @`;
  if (atMs > nowMs + CLOCK_DIFFERENCE_MS)
    return `${where}: that time is in the future; failures count until then`;
  return { task, atMs };
}

const RFC3339 =
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

function isTaskName(text: string): boolean {
  return (
    text.length <= MAX_TASK_NAME && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text)
  );
}

function cut(problems: readonly string[]): readonly string[] {
  const more = problems.length - SHOWN;
  return more <= 0
    ? problems
    : [...problems.slice(0, SHOWN), `and ${more} more such mistakes`];
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
