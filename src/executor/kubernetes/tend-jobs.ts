/**
 * What Jobs need that no task waits for: a time to live, an end where nobody waits for them any more, and the removal of
 * pods that a dead node holds on to. Level-triggered: it looks at what is there and changes what should be otherwise; what
 * has gone meanwhile needs nothing.
 */
import { mapBounded } from "../../base/async.ts";
import type { Logger } from "../../base/log.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import { failsIndex } from "../jobs/failure-policy.ts";
import { conditionOf, type Job, type Pod } from "../jobs/job.ts";
import { indexOf, type JobView } from "../jobs/observe-jobs.ts";
import { patchJob, removeOnce } from "./is-gone.ts";
import { releaseZombies } from "./release-zombies.ts";
import { findOver } from "./share-room.ts";

const CHANGES_AT_ONCE = 8;

export type TendOptions = {
  readonly kube: Kube;
  readonly log: Logger;
  /** Jobs whose tasks are all done, or their ends at this attempt written down (F). */
  readonly settled: readonly JobView[];
  /** All pods of the Run. */
  readonly pods: readonly Pod[];
  readonly isCommitted: (task: string) => boolean;
  readonly ttlSeconds: number;
  readonly lostAfterSeconds: number;
  readonly nowMs: number;
  readonly removeJob: (job: Job) => Promise<void>;
  /** Told of a Job that was changed, so that it is not changed again before an informer tells. */
  readonly onChanged: (job: Job) => void;
};

export async function tendJobs(options: TendOptions): Promise<void> {
  const { settled, pods } = options;
  await mapBounded(settled, CHANGES_AT_ONCE, (view) => retire(view, options));
  await releaseZombies(pods, options);
}

/** It may go, in a while, or at once if it would go on in vain. */
async function retire(view: JobView, options: TendOptions): Promise<void> {
  const { job } = view;
  const { ttlSeconds, removeJob } = options;
  if (isInVain(view, options)) return await removeJob(job);
  if (job.spec.ttlSecondsAfterFinished !== undefined) return;
  await patchJob(job, { ttlSecondsAfterFinished: ttlSeconds }, options);
}

/**
 * Whether its controller would go on with a task that is given up, also where no pod of it is there just now; or would
 * wait in a queue for what is done already.
 */
function isInVain(view: JobView, { isCommitted }: TendOptions): boolean {
  const { job, tasks, pods } = view;
  if (hasFinished(job)) return false;
  if (job.spec.suspend === true) return true;
  const over = findOver(view);
  for (const pod of pods) if (failsIndex(job, pod)) over.add(indexOf(pod));
  return tasks.some((task, index) => !over.has(index) && !isCommitted(task));
}

function hasFinished(job: Job): boolean {
  return ["Complete", "Failed"].some(
    (type) => conditionOf(job, type)?.status === "True",
  );
}

/**
 * The same for a Run that has come to its end, where nobody knows its plan any more: who told the end died before. All of
 * its tasks are settled. Where all are done its Jobs are about to finish; else those that have not would go on in vain.
 */
export async function tendEnded(
  jobs: readonly Job[],
  options: {
    readonly kube: Kube;
    readonly hasSucceeded: boolean;
    readonly ttlSeconds: number;
  },
): Promise<void> {
  const { kube, hasSucceeded, ttlSeconds } = options;
  const onChanged = (): void => undefined;
  await mapBounded(jobs, CHANGES_AT_ONCE, async (job) => {
    const { name, namespace = "", uid = "", deletionTimestamp } = job.metadata;
    const { ttlSecondsAfterFinished, suspend } = job.spec;
    if (deletionTimestamp !== undefined) return;
    const isInVain = !hasSucceeded || suspend === true;
    if (isInVain && !hasFinished(job))
      await removeOnce(kube, resources.job, { name, namespace }, { uid });
    else if (ttlSecondsAfterFinished === undefined)
      await patchJob(
        job,
        { ttlSecondsAfterFinished: ttlSeconds },
        { kube, onChanged },
      );
  });
}
