/**
 * Jobs and their pods → attempts of tasks. An attempt of a task is a Job's index; the pods that the Job controller tries
 * there one after the other are not told apart. Pure, and the order of objects does not matter.
 *
 * An index has ended well when one of its pods has: the Job says so up to a second later (rule "hint", the manifest
 * decides, A). It has failed when the Job says so, or when we give it up: the ignored failures of a Job have no ceiling,
 * and neither has a container that cannot be created. What an index waits for is told by `why-pending`.
 *
 * A pod whose Job is gone still ends: its task waits for that, for it may be saving a checkpoint.
 */
import type { Resources } from "../../plan/plan.ts";
import { readRanges } from "../../run/index-ranges.ts";
import type { AttemptObservation } from "../../run/observation.ts";
import { ruleFor } from "../../run/retry-policy.ts";
import { annotations } from "../../resources/labels.ts";
import { isJudgedByJob } from "./failure-policy.ts";
import { conditionOf, jobKeys, timeOf, workerOf } from "./job.ts";
import type { Job, Pod } from "./job.ts";
import { toPodEnd, type AttemptEnd } from "./pod-end.ts";
import {
  isStarting,
  toStuckEnd,
  whyPending,
  type Pending,
} from "./why-pending.ts";

/** A Job with what belongs to it. */
export type JobView = Pick<Pending, "workload" | "failedCreate"> & {
  readonly job: Job;
  /** Its tasks by index. */
  readonly tasks: readonly string[];
  readonly pods: readonly Pod[];
};

/** A pod that has not ended, whose Job is gone. */
export type Orphan = {
  readonly task: string;
  readonly attempt: number;
  readonly pod: Pod;
};

export type Seen = {
  readonly views: readonly JobView[];
  readonly orphans: readonly Orphan[];
  /** Its manifest is known to be there: nothing is asked about its attempts any more. */
  readonly isDone: (task: string) => boolean;
  /** What a task has at an attempt, for the reason of its end. */
  readonly resourcesOf: (task: string, attempt: number) => Resources;
  /** A container that cannot be created is given up after this time. */
  readonly stuckMs: number;
  readonly nowMs: number;
};

/** Of each task that is not done at most one attempt of each number, in no order. */
export function observeJobs(
  seen: Seen,
): ReadonlyMap<string, readonly AttemptObservation[]> {
  const found = new Map<string, AttemptObservation[]>();
  const add = (task: string, attempt: AttemptObservation): void => {
    const all = found.get(task) ?? [];
    const at = all.findIndex(({ number }) => number === attempt.number);
    if (at < 0) all.push(attempt);
    else if (weigh(attempt) > weigh(all[at])) all[at] = attempt;
    found.set(task, all);
  };
  for (const view of seen.views)
    for (const [task, attempt] of observeJob(view, seen)) add(task, attempt);
  for (const { task, attempt, pod } of seen.orphans)
    add(task, {
      number: attempt,
      startedAtMs: startOf(pod, seen.nowMs),
      end: null,
      waiting: "the pod before it has not ended yet",
    });
  return found;
}

/** Of two Jobs for the same attempt, which must have been made by mistake, the one that is further. */
function weigh(attempt: AttemptObservation | undefined): number {
  if (attempt === undefined) return -1;
  if (attempt.end === null) return attempt.waiting ? 1 : 2;
  return attempt.end.exitCode === 0 ? 3 : 0;
}

export function attemptNumberOf({ metadata }: Job | Pod): number {
  return Number(metadata.annotations?.[annotations.attempt] ?? 1);
}

/** The index that a pod works on. */
export function indexOf({ metadata }: Pod): number {
  const { labels = {}, annotations: notes = {} } = metadata;
  return Number(labels[jobKeys.index] ?? notes[jobKeys.index] ?? 0);
}

export function isActive({ status }: Pod): boolean {
  return status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

function* observeJob(
  view: JobView,
  seen: Seen,
): Generator<readonly [string, AttemptObservation]> {
  const { job, tasks } = view;
  const podsOf = Map.groupBy(view.pods, indexOf);
  const completed = readRanges(job.status?.completedIndexes ?? "");
  const failed = readRanges(job.status?.failedIndexes ?? "");
  const isOver = conditionOf(job, "Failed")?.status === "True";
  const active = view.pods.filter(isActive).length;
  const number = attemptNumberOf(job);
  for (const [index, task] of tasks.entries()) {
    if (seen.isDone(task)) continue;
    const pods = (podsOf.get(index) ?? []).toSorted(byAge);
    const attempt = observeIndex(
      {
        ...view,
        pods,
        active,
        isCompleted: completed.has(index),
        isFailed: failed.has(index) || isOver,
        resources: seen.resourcesOf(task, number),
      },
      seen,
    );
    if (attempt !== null) yield [task, { number, ...attempt }];
  }
}

type IndexView = Pick<Pending, "workload" | "failedCreate" | "active"> & {
  readonly job: Job;
  /** Oldest first. */
  readonly pods: readonly Pod[];
  readonly isCompleted: boolean;
  readonly isFailed: boolean;
  readonly resources: Resources;
};

/** Null: there is nothing of it, and nothing comes. */
function observeIndex(
  view: IndexView,
  { stuckMs, nowMs }: Seen,
): Omit<AttemptObservation, "number"> | null {
  const { job, pods } = view;
  const pod = pods.findLast(isActive) ?? null;
  const startedAtMs = startOf(pod ?? pods.at(-1) ?? job, nowMs);
  const ends = pods.flatMap((one) => {
    const end = toPodEnd(one, view.resources, nowMs);
    return end === null ? [] : [end];
  });
  const end =
    succeeded(view, ends, nowMs) ??
    failed(view, ends, nowMs) ??
    givenUp(pods, ends) ??
    (pod && toStuckEnd(pod, stuckMs, nowMs));
  if (end !== null) return { startedAtMs, end };
  if (pod !== null && workerOf(pod)?.state?.running !== undefined)
    return { startedAtMs, end: null, waiting: whyUnheard(pod) };
  // A Job that is being removed creates no more pods.
  if (pod === null && job.metadata.deletionTimestamp !== undefined) return null;
  const pending = { ...view, pod };
  const sinceMs = waitsSince(pending, ends, nowMs);
  return {
    startedAtMs,
    end: null,
    waiting: whyPending(pending),
    isStarting: isStarting(pending, sinceMs, nowMs),
  };
}

/** When its pod was created, or could first be: when its Job began, or the pod before had ended. */
function waitsSince(
  { job, pod }: Pick<Pending, "job" | "pod">,
  ends: readonly AttemptEnd[],
  nowMs: number,
): number {
  const { creationTimestamp } = (pod ?? job).metadata;
  if (pod !== null) return timeOf(creationTimestamp, nowMs);
  const begun = timeOf(job.status?.startTime ?? creationTimestamp, nowMs);
  return Math.max(begun, ...ends.map(({ atMs }) => atMs));
}

function succeeded(
  { isCompleted }: IndexView,
  ends: readonly AttemptEnd[],
  nowMs: number,
): AttemptEnd | null {
  const end = ends.find(({ exitCode }) => exitCode === 0);
  if (end !== undefined) return end;
  return isCompleted
    ? { atMs: nowMs, exitCode: 0, cause: null, reason: "" }
    : null;
}

function failed(
  { isFailed, job }: IndexView,
  ends: readonly AttemptEnd[],
  nowMs: number,
): AttemptEnd | null {
  if (!isFailed) return null;
  const last = ends.at(-1);
  if (last !== undefined)
    return { ...last, isFinal: isJudgedByJob(ruleFor(last)) };
  const said = conditionOf(job, "Failed")?.message;
  return {
    atMs: nowMs,
    exitCode: null,
    // Nobody knows why: not enough to say that it can never be.
    cause: "lost",
    reason: `given up by its Job, and its pod is gone${said ? `: ${said}` : ""}`,
  };
}

/**
 * More ends of a kind than the retry rules allow: the Job controller would go on. An end that is ours to judge stays so:
 * a pod is seen to have failed before its Job says that the index has.
 */
function givenUp(
  pods: readonly Pod[],
  ends: readonly AttemptEnd[],
): AttemptEnd | null {
  const last = ends.at(-1);
  if (last === undefined) return null;
  const rule = ruleFor(last);
  const ofRule = ends.filter((end) => ruleFor(end) === rule).length;
  const ignored = Math.max(0, ...pods.map(ignoredFailuresOf));
  const count =
    rule.outcome === "preempted" ? Math.max(ofRule, ignored) : ofRule;
  if (count < rule.limit) return null;
  if (count === 1) return { ...last, isFinal: isJudgedByJob(rule) };
  const reason = `${last.reason} (${count} times)`;
  return { ...last, reason, isFinal: true };
}

function ignoredFailuresOf({ metadata }: Pod): number {
  return Number(metadata.annotations?.[jobKeys.ignoredFailures] ?? 0);
}

/** A pod that runs as far as anybody knows, on a node that has not been heard of. */
function whyUnheard(pod: Pod): string | null {
  const disruption = conditionOf(pod, "DisruptionTarget");
  const isLeaving = disruption?.reason === "DeletionByTaintManager";
  return isLeaving && pod.metadata.deletionTimestamp !== undefined
    ? `node ${pod.spec?.nodeName ?? ""} does not answer; its pod is given up soon`
    : null;
}

function startOf(object: Job | Pod, nowMs: number): number {
  const { creationTimestamp } = object.metadata;
  if (object.kind === "Job") return timeOf(creationTimestamp, nowMs);
  const state = workerOf(object as Pod)?.state;
  const started = state?.running?.startedAt ?? state?.terminated?.startedAt;
  return timeOf(started ?? creationTimestamp, nowMs);
}

/** By the time of creation, which has whole seconds, and then by name. */
function byAge(a: Pod, b: Pod): number {
  const [ofA, ofB] = [a, b].map(({ metadata }) => metadata);
  const order =
    timeOf(ofA?.creationTimestamp, 0) - timeOf(ofB?.creationTimestamp, 0);
  return order !== 0 ? order : (ofA?.name ?? "") < (ofB?.name ?? "") ? -1 : 1;
}
