/**
 * What is watched → which keys to look at. A change of a Run that is only its status is none, unless its phase changed:
 * the status is our own writing.
 */
import type { Job, Pod } from "../executor/jobs/job.ts";
import { indexOf } from "../executor/jobs/observe-jobs.ts";
import type { Run } from "../resources/run-resource.ts";
import { keyOf } from "./keys.ts";
import { runUidOf, type Watched } from "./objects.ts";

export function noticeChanges(
  watched: Watched,
  /** `isUrgent`: something may start now that could not before. */
  enqueue: (key: string, isUrgent?: boolean) => void,
): void {
  const keyByUid = new Map<string, string>();
  const known = new Map<string, string>();
  watched.runs.onChange((run) => {
    const { uid = "", namespace = "", name } = run.metadata;
    const key = keyOf("run", run.metadata);
    const isThere = watched.runs.get(namespace, name)?.metadata.uid === uid;
    if (isThere) keyByUid.set(uid, key);
    else keyByUid.delete(uid);
    const fingerprint = isThere ? fingerprintOf(run) : null;
    if (fingerprint !== null && known.get(uid) === fingerprint) return;
    if (fingerprint === null) known.delete(uid);
    else known.set(uid, fingerprint);
    enqueue(key);
    const owner = run.metadata.ownerReferences?.find(
      ({ kind }) => kind === "Schedule",
    );
    if (owner !== undefined)
      enqueue(keyOf("schedule", { namespace, name: owner.name }));
  });
  watched.schedules.onChange(({ metadata }) => {
    enqueue(keyOf("schedule", metadata));
  });
  const tell = (object: Job | Pod, isUrgent: boolean): void => {
    const key = keyByUid.get(runUidOf(object) ?? "");
    if (key !== undefined) enqueue(key, isUrgent);
  };
  const ends = createEnds(watched.jobs);
  watched.jobs.onChange((job) => {
    ends.forgetIfGone(job);
    tell(job, false);
  });
  watched.pods.onChange((pod) => {
    tell(pod, ends.isLast(pod, indexOf(pod)));
  });
}

/**
 * The indexes of each Job that have ended well. What waits for a task waits as a rule for all of its Job: while others go
 * on, a turn for each pod of thousands would find nothing to do.
 */
function createEnds(jobs: Watched["jobs"]) {
  const ended = new Map<string, Set<number>>();
  return {
    /** Whether all of a pod's Job has ended now, and had not before. */
    isLast({ metadata, status }: Pod, index: number): boolean {
      const { namespace = "", deletionTimestamp, ownerReferences } = metadata;
      const owner = ownerReferences?.find(({ kind }) => kind === "Job");
      // One that goes has been counted, and its Job may have gone before it.
      if (status?.phase !== "Succeeded" || deletionTimestamp || !owner)
        return false;
      const indexes = ended.get(owner.uid) ?? new Set();
      ended.set(owner.uid, indexes);
      const isNew = !indexes.has(index);
      indexes.add(index);
      // An informer may hear of a pod before it hears of its Job.
      const all = jobs.get(namespace, owner.name)?.spec.completions ?? 0;
      return isNew && indexes.size >= all;
    },
    forgetIfGone({ metadata }: Job): void {
      const { name, namespace = "", uid = "" } = metadata;
      if (jobs.get(namespace, name)?.metadata.uid !== uid) ended.delete(uid);
    },
  };
}

/** Changes when anything does that a turn decides by. */
function fingerprintOf({ metadata, status }: Run): string {
  const { generation, annotations, deletionTimestamp } = metadata;
  return JSON.stringify([
    generation,
    annotations,
    deletionTimestamp,
    status?.phase,
  ]);
}
