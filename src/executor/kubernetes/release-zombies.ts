/**
 * Frees what waits for pods that do not end. A pod that was told to go and has not gone long after its grace is on a node
 * that does not answer, and its Job waits for it (KEP-3939). Removing it by force is not enough: its Job's finalizer holds
 * it until it has ended, and nobody is left to say so. So it is said here, as the pod garbage collector says it of pods
 * whose node is gone. Should it still run, its claim is lost, and it cannot commit.
 */
import type { Logger } from "../../base/log.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import { timeOf, type Pod, type StatusCondition } from "../jobs/job.ts";
import { isGone, removeOnce } from "./is-gone.ts";

export type ReleaseOptions = {
  readonly kube: Kube;
  readonly log: Logger;
  /** Beyond its grace. */
  readonly lostAfterSeconds: number;
  readonly nowMs: number;
};

export async function releaseZombies(
  pods: readonly Pod[],
  options: ReleaseOptions,
): Promise<void> {
  const { log, lostAfterSeconds, nowMs } = options;
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    // The time of deletion is when the grace ends, not when it began.
    const lateMs = nowMs - timeOf(deletionTimestamp, nowMs);
    if (lateMs < lostAfterSeconds * 1000 || lateMs === 0) continue;
    const node = pod.spec?.nodeName ?? null;
    log.warn(
      { pod: name, node, lateMs },
      "a pod that does not end is given up",
    );
    await release(pod, options);
  }
}

async function release(
  { metadata, spec, status }: Pod,
  { kube, nowMs }: ReleaseOptions,
): Promise<void> {
  const { name, namespace = "", uid = "" } = metadata;
  const others = (status?.conditions ?? []).filter(
    ({ type }) => type !== "DisruptionTarget",
  );
  // No failure of the task: the Job ignores it, and so do we.
  const lost: StatusCondition & { readonly lastTransitionTime: string } = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByTaintManager",
    message: `node ${spec?.nodeName ?? ""} does not answer`,
    lastTransitionTime: new Date(nowMs).toISOString(),
  };
  const target = { name, namespace };
  const change = {
    metadata: { uid },
    status: { phase: "Failed", conditions: [...others, lost] },
  };
  try {
    await kube.patch(resources.pod, target, change, { subresource: "status" });
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
  }
  await removeOnce(kube, resources.pod, target, { uid, graceSeconds: 0 });
}
