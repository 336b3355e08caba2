/**
 * What Jobs need beside being created: shares of the Run's parallelism, a time to live, an end where nobody waits for them
 * any more, and the removal of pods that a dead node holds on to. Level-triggered: it looks at what is there and changes
 * what should be otherwise; what has gone meanwhile needs nothing.
 */
import { mapBounded } from "../../base/async.ts";
import type { Logger } from "../../base/log.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import { readRanges } from "../../run/index-ranges.ts";
import { failsIndex } from "../jobs/failure-policy.ts";
import { conditionOf, type Job, type Pod } from "../jobs/job.ts";
import {
  attemptNumberOf,
  indexOf,
  isActive,
  type JobView,
} from "../jobs/observe-jobs.ts";
import { isGone } from "./is-gone.ts";
import { releaseZombies } from "./release-zombies.ts";
import { shareParallelism, type Sharer } from "../jobs/share-parallelism.ts";

const CHANGES_AT_ONCE = 8;

export type TendOptions = {
  readonly kube: Kube;
  readonly log: Logger;
  readonly views: readonly JobView[];
  /** Pods whose Jobs are gone. */
  readonly orphans: readonly Pod[];
  /** Whether the task is done, or its end at this attempt is written down. */
  readonly isSettled: (task: string, attempt: number) => boolean;
  readonly isCommitted: (task: string) => boolean;
  /** Pods at once; null: as many as there are; `queue`: what a queue admits. */
  readonly parallelism: number | null | "queue";
  readonly ttlSeconds: number;
  readonly lostAfterSeconds: number;
  readonly nowMs: number;
  readonly removeJob: (job: Job) => Promise<void>;
  /** Told of a Job that was changed, so that it is not changed again before an informer tells. */
  readonly onChanged: (job: Job) => void;
};

export async function tendJobs(options: TendOptions): Promise<void> {
  const { views, isSettled } = options;
  const [settled, open]: [JobView[], JobView[]] = [[], []];
  for (const view of views) {
    const number = attemptNumberOf(view.job);
    const isOver = view.tasks.every((task) => isSettled(task, number));
    (isOver ? settled : open).push(view);
  }
  await mapBounded(settled, CHANGES_AT_ONCE, (view) => retire(view, options));
  await share(open, options);
  const pods = views.flatMap((view) => view.pods);
  await releaseZombies([...pods, ...options.orphans], options);
}

/** A Job whose tasks are all done or written down (F): it may go, in a while, or at once if it would go on in vain. */
async function retire(view: JobView, options: TendOptions): Promise<void> {
  const { job } = view;
  const { ttlSeconds, removeJob } = options;
  if (isInVain(view, options)) return await removeJob(job);
  if (job.spec.ttlSecondsAfterFinished !== undefined) return;
  await patchJob(options, job, { ttlSecondsAfterFinished: ttlSeconds });
}

/**
 * Whether its controller would go on with a task that is given up, also where no pod of it is there just now; or would
 * wait in a queue for what is done already.
 */
function isInVain(view: JobView, { isCommitted }: TendOptions): boolean {
  const { job, tasks, pods } = view;
  const isFinished = ["Complete", "Failed"].some(
    (type) => conditionOf(job, type)?.status === "True",
  );
  if (isFinished) return false;
  if (job.spec.suspend === true) return true;
  const over = findOver(view);
  for (const pod of pods) if (failsIndex(job, pod)) over.add(indexOf(pod));
  return tasks.some((task, index) => !over.has(index) && !isCommitted(task));
}

/** `views`: oldest first. */
async function share(
  views: readonly JobView[],
  options: TendOptions,
): Promise<void> {
  const { parallelism } = options;
  if (parallelism === "queue") return;
  const shares = shareParallelism(views.map(toSharer), parallelism);
  const byName = new Map(views.map(({ job }) => [job.metadata.name, job]));
  // One after the other: room is made before it is given away.
  for (const [name, share] of shares) {
    const job = byName.get(name);
    if (job !== undefined) await patchJob(options, job, { parallelism: share });
  }
}

export function toSharer(view: JobView): Sharer {
  const { job, pods, tasks } = view;
  return {
    name: job.metadata.name,
    left: tasks.length - findOver(view).size,
    active: pods.filter(isActive).length,
    parallelism: job.spec.parallelism,
  };
}

/** Indexes that have ended, well or not. */
function findOver({ job, pods }: JobView): Set<number> {
  const over = new Set([
    ...readRanges(job.status?.completedIndexes ?? ""),
    ...readRanges(job.status?.failedIndexes ?? ""),
  ]);
  for (const pod of pods)
    if (pod.status?.phase === "Succeeded") over.add(indexOf(pod));
  return over;
}

/** Changes a Job if it is still the one that is meant. */
async function patchJob(
  { kube, onChanged }: TendOptions,
  job: Job,
  spec: object,
): Promise<void> {
  const { name, namespace = "", uid = "" } = job.metadata;
  const change = { metadata: { uid }, spec };
  try {
    const target = { name, namespace };
    onChanged(await kube.patch<Job>(resources.job, target, change));
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
  }
}
