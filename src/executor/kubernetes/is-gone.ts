/** Requests that may come too late: the object is gone, or another one has its name. Whoever asked has what it wanted. */
import {
  resources,
  type DeleteOptions,
  type Kube,
  type KubeResource,
  type ObjectName,
} from "../../kube/kube.ts";
import { KubeRefusal } from "../../kube/refusal.ts";
import type { Job } from "../jobs/job.ts";

export function isGone(thrown: unknown): boolean {
  return (
    thrown instanceof KubeRefusal &&
    (thrown.status === 404 || thrown.reason === "Conflict")
  );
}

/** Removes the object that `options.uid` names, and no other of its name. */
export async function removeOnce(
  kube: Kube,
  resource: KubeResource,
  name: ObjectName,
  options: DeleteOptions & { readonly uid: string },
): Promise<void> {
  try {
    await kube.remove(resource, name, options);
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
  }
}

/** Changes a Job if it is still the one that is meant. */
export async function patchJob(
  { metadata }: Job,
  spec: Partial<Job["spec"]>,
  options: {
    readonly kube: Kube;
    /** Told of the Job as the server has it now, before an informer tells. */
    readonly onChanged: (job: Job) => void;
  },
): Promise<void> {
  const { name, namespace = "", uid = "" } = metadata;
  const change = { metadata: { uid }, spec };
  try {
    const target = { name, namespace };
    options.onChanged(
      await options.kube.patch<Job>(resources.job, target, change),
    );
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
  }
}
