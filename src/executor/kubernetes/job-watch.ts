/**
 * The Jobs of one Run with their pods and tasks, as far as the informers know, and a little further: a Job that was just
 * created or changed counts as it is before an informer tells, and one that was just removed counts no more, so that
 * nothing is started, shared out or stopped twice. Which tasks a Job has stands in the store, and is read once.
 */
import type { Clock } from "../../base/clock.ts";
import type { Informer } from "../../kube/informer-port.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import { annotations, labels } from "../../resources/labels.ts";
import type { Run } from "../../resources/run-resource.ts";
import { readRanges } from "../../run/index-ranges.ts";
import { readPackTasks } from "../../store/runs/run-packs.ts";
import type { Store } from "../../store/store.ts";
import { jobKeys, timeOf, type Job, type Pod } from "../jobs/job.ts";
import { createLookAround } from "./look-around.ts";
import {
  attemptNumberOf,
  indexOf,
  isActive,
  type JobView,
  type Orphan,
} from "../jobs/observe-jobs.ts";

/** An informer that has not told of a Job after this time has seen it come and go. */
const BELIEVE_MS = 30_000;
/** A Job that has fewer pods than it may after this time is asked why. */
const SHORT_MS = 5000;

export type JobWatchOptions = {
  readonly kube: Kube;
  /** Of all Runs; indexed by `labels.run`. */
  readonly jobs: Informer<Job>;
  readonly pods: Informer<Pod>;
  readonly getRun: () => Run;
  readonly store: Store;
  readonly storeRun: string;
  readonly clock: Clock;
};

export type JobWatch = {
  /** What is there now; oldest Job first. */
  look(): Promise<{
    readonly views: readonly JobView[];
    readonly orphans: readonly Orphan[];
  }>;
  created(job: Job): void;
  /** As the server answered. */
  changed(job: Job): void;
  removed(job: Job): void;
};

export function createJobWatch(options: JobWatchOptions): JobWatch {
  const { kube, jobs, pods, getRun, store, storeRun, clock } = options;
  const { namespace = "", uid: runUid = "" } = getRun().metadata;
  const around = createLookAround({ kube, namespace, clock });
  const young = new Map<
    string,
    { readonly job: Job; readonly sinceMs: number }
  >();
  const gone = new Set<string>();
  /** Those whose spec is newer than the informer's: by its generation, which only grows. */
  const changed = new Map<string, Job>();
  const packs = new Map<string, readonly string[]>();

  /** Null: nobody wrote down what it is for, so it is none of ours. */
  const tasksOf = async ({ metadata }: Job | Pod) => {
    const { [annotations.task]: task, [annotations.pack]: pack } =
      metadata.annotations ?? {};
    if (task !== undefined) return [task];
    if (pack === undefined) return null;
    const known =
      packs.get(pack) ?? (await readPackTasks(store, { run: storeRun, pack }));
    if (known !== null) packs.set(pack, known);
    return known;
  };
  const isOurs = ({ metadata }: Job | Pod): boolean =>
    metadata.labels?.[labels.run] === runUid;

  /** Young Jobs that the informer does not know yet. */
  const believed = async (known: ReadonlySet<string>): Promise<Job[]> => {
    const still: Job[] = [];
    for (const [uid, { job, sinceMs }] of young) {
      const isOld = clock.monotonicMs() - sinceMs > BELIEVE_MS;
      const name = { name: job.metadata.name, namespace };
      const isThere =
        !known.has(uid) &&
        (!isOld ||
          (await kube.get<Job>(resources.job, name))?.metadata.uid === uid);
      if (isThere) still.push(job);
      else young.delete(uid);
    }
    return still;
  };
  const listJobs = async (): Promise<readonly Job[]> => {
    const known = jobs.byIndex(runUid).filter(isOurs);
    const uids = new Set(known.map(uidOf));
    for (const uid of gone) if (!uids.has(uid)) gone.delete(uid);
    const all = [...known, ...(await believed(uids))];
    const there = all.filter((job) => !gone.has(uidOf(job)));
    const newest = there.map((job) => {
      const after = changed.get(uidOf(job));
      return after && generationOf(after) > generationOf(job) ? after : job;
    });
    changed.clear();
    for (const [index, job] of newest.entries())
      if (job !== there[index]) changed.set(uidOf(job), job);
    return newest.toSorted(byAge);
  };

  return {
    async look() {
      const all = await listJobs();
      const podsOf = Map.groupBy(pods.byIndex(runUid).filter(isOurs), ownerOf);
      const ofJob = (job: Job): readonly Pod[] => podsOf.get(uidOf(job)) ?? [];
      await around.look({
        suspended: all.filter(({ spec }) => spec.suspend === true),
        short: all.filter(
          (job) =>
            clock.now() - timeOf(job.metadata.creationTimestamp, 0) >
              SHORT_MS && isShort(job, ofJob(job)),
        ),
      });
      const views: JobView[] = [];
      for (const job of all) {
        const tasks = await tasksOf(job);
        if (tasks !== null)
          views.push({
            job,
            tasks,
            pods: ofJob(job),
            workload: around.workloadOf(job),
            failedCreate: around.failedCreateOf(job),
          });
        podsOf.delete(uidOf(job));
      }
      const orphans: Orphan[] = [];
      for (const pod of [...podsOf.values()].flat().filter(isActive)) {
        const task = (await tasksOf(pod))?.[indexOf(pod)];
        if (task !== undefined)
          orphans.push({ task, attempt: attemptNumberOf(pod), pod });
      }
      return { views, orphans };
    },
    created(job) {
      young.set(uidOf(job), { job, sinceMs: clock.monotonicMs() });
    },
    changed(job) {
      changed.set(uidOf(job), job);
    },
    removed(job) {
      young.delete(uidOf(job));
      gone.add(uidOf(job));
    },
  };
}

/** More of it could be at work than there are pods: such as for want of a quota. */
function isShort({ spec, status }: Job, pods: readonly Pod[]): boolean {
  const isOver = status?.conditions?.some(
    ({ type, status: is }) =>
      (type === "Complete" || type === "Failed") && is === "True",
  );
  if (isOver || spec.suspend === true) return false;
  const over = new Set([
    ...readRanges(status?.completedIndexes ?? ""),
    ...readRanges(status?.failedIndexes ?? ""),
    ...pods.filter((pod) => pod.status?.phase !== "Failed").map(indexOf),
  ]);
  const active = pods.filter(isActive).length;
  return active < spec.parallelism && over.size < spec.completions;
}

function uidOf({ metadata }: Job | Pod): string {
  return metadata.uid ?? "";
}

function generationOf({ metadata }: Job): number {
  return metadata.generation ?? 0;
}

/** The uid of a pod's Job. */
function ownerOf({ metadata }: Pod): string {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === "Job");
  return owner?.uid ?? metadata.labels?.[jobKeys.jobName] ?? "";
}

function byAge(a: Job, b: Job): number {
  const born = ({ metadata }: Job) => metadata.creationTimestamp ?? "";
  if (born(a) !== born(b)) return born(a) < born(b) ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
