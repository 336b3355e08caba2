/**
 * The Run's parallelism, shared over its Jobs again when it was changed or one of them has ended. Part of a turn, after new
 * Jobs have got their shares: two who share out at once would give the same room twice.
 */
import type { Kube } from "../../kube/kube.ts";
import { readRanges } from "../../run/index-ranges.ts";
import type { Job } from "../jobs/job.ts";
import { indexOf, isActive, type JobView } from "../jobs/observe-jobs.ts";
import { shareParallelism, type Sharer } from "../jobs/share-parallelism.ts";
import { patchJob } from "./is-gone.ts";

export type ShareOptions = {
  readonly kube: Kube;
  /** Jobs with tasks that are not settled, oldest first. */
  readonly views: readonly JobView[];
  /** Pods at once; null: as many as there are. */
  readonly parallelism: number | null;
  readonly onChanged: (job: Job) => void;
};

export async function shareRoom(options: ShareOptions): Promise<void> {
  const { views, parallelism } = options;
  const shares = shareParallelism(views.map(toSharer), parallelism);
  const byName = new Map(views.map(({ job }) => [job.metadata.name, job]));
  // One after the other: room is made before it is given away.
  for (const [name, share] of shares) {
    const job = byName.get(name);
    if (job !== undefined) await patchJob(job, { parallelism: share }, options);
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
export function findOver({ job, pods }: JobView): Set<number> {
  const over = new Set([
    ...readRanges(job.status?.completedIndexes ?? ""),
    ...readRanges(job.status?.failedIndexes ?? ""),
  ]);
  for (const pod of pods)
    if (pod.status?.phase === "Succeeded") over.add(indexOf(pod));
  return over;
}
