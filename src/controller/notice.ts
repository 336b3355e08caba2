/**
 * What is watched → which keys to look at. A change of a Run that is only its status is none, unless its phase changed:
 * the status is our own writing.
 */
import type { Job, Pod } from "../executor/jobs/job.ts";
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
  watched.jobs.onChange((job) => {
    tell(job, false);
  });
  watched.pods.onChange((pod) => {
    tell(pod, pod.status?.phase === "Succeeded");
  });
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
