/**
 * Why an attempt does not run yet, in one line: the first of these that there is. What Kueue says of its Workload; what
 * the scheduler says of its pod; what the kubelet says of its container; why its pod could not be created; its turn has
 * not come. Pure.
 */
import type { KubeObject } from "../../kube/kube.ts";
import { labels } from "../../resources/labels.ts";
import type { AttemptEnd } from "./pod-end.ts";
import {
  conditionOf,
  timeOf,
  workerOf,
  type Job,
  type Pod,
  type StatusCondition,
} from "./job.ts";

/** `kueue.x-k8s.io` Workload, as far as it says why. */
export type Workload = KubeObject & {
  readonly status?: { readonly conditions?: readonly StatusCondition[] };
};

export type Pending = {
  readonly job: Job;
  /** Of the index that waits. */
  readonly pod: Pod | null;
  readonly workload: Workload | null;
  /** What the Job controller said last when it could not create a pod. */
  readonly failedCreate: string | null;
  /** Pods of the Job that have not ended. */
  readonly active: number;
};

/** What every pod takes to start. One that takes longer is said to wait, whatever for. */
const START_MS = 30_000;

/** Waiting reasons of a container that time alone does not mend. */
const STUCK = [
  "CreateContainerConfigError",
  "CreateContainerError",
  "ErrImageNeverPull",
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
];

export function whyPending(pending: Pending): string {
  const { job, pod, failedCreate, active } = pending;
  if (job.spec.suspend === true) return whySuspended(pending);
  if (pod !== null) return whyPodWaits(pod);
  if (active >= job.spec.parallelism)
    return "waits its turn: as many run as 'parallelism' allows";
  if (failedCreate !== null)
    return `its pod could not be created: ${failedCreate}`;
  return "its pod has not been created yet";
}

/**
 * Whether nothing hinders it: its pod is being created, given a node, set up, as every pod is.
 * @param sinceMs when its pod could first be created.
 */
export function isStarting(
  { job, pod, failedCreate, active }: Pending,
  sinceMs: number,
  nowMs: number,
): boolean {
  if (nowMs - sinceMs > START_MS || job.spec.suspend === true) return false;
  if (pod === null)
    return failedCreate === null && active < job.spec.parallelism;
  const hasNode = conditionOf(pod, "PodScheduled")?.status !== "False";
  return hasNode && isBeingCreated(pod);
}

/**
 * The end of an attempt whose container cannot be created, such as for want of its image, if it has been so for longer
 * than `boundMs`; null: it is not so, or not long enough.
 */
export function toStuckEnd(
  pod: Pod,
  boundMs: number,
  nowMs: number,
): AttemptEnd | null {
  const { reason = "" } = workerOf(pod)?.state?.waiting ?? {};
  if (!STUCK.includes(reason)) return null;
  const scheduled = conditionOf(pod, "PodScheduled")?.lastTransitionTime;
  const sinceMs = timeOf(scheduled ?? pod.metadata.creationTimestamp, nowMs);
  if (nowMs - sinceMs < boundMs) return null;
  return {
    atMs: nowMs,
    exitCode: null,
    cause: null,
    reason: `${whyPodWaits(pod)}; given up after ${Math.round(boundMs / 60_000)} minutes`,
    isFinal: true,
  };
}

function whySuspended({ job, workload }: Pending): string {
  const queue = job.metadata.labels?.[labels.queue];
  if (queue === undefined)
    return `its Job '${job.metadata.name}' is suspended by somebody`;
  const where = `waits in queue '${queue}'`;
  const conditions = workload?.status?.conditions ?? [];
  const find = (type: string, status: string) =>
    conditions.find((one) => one.type === type && one.status === status);
  const evicted = find("Evicted", "True");
  const refused = find("QuotaReserved", "False") ?? find("Admitted", "False");
  const said = [evicted, refused].flatMap((condition) =>
    condition ? [describe(condition)] : [],
  );
  return said.length === 0
    ? `${where} to be admitted`
    : `${where}: ${said.join("; ")}`;
}

function whyPodWaits(pod: Pod): string {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False")
    return `no node: ${withoutDetail(describe(scheduled))}`;
  const node = pod.spec?.nodeName;
  if (node === undefined) return "its pod has no node yet";
  if (isBeingCreated(pod))
    return `its container is being created on node ${node}`;
  const { reason = "", message } = workerOf(pod)?.state?.waiting ?? {};
  return message ? `${reason}: ${oneLine(message)}` : reason;
}

function isBeingCreated(pod: Pod): boolean {
  const { reason } = workerOf(pod)?.state?.waiting ?? {};
  return ["", "ContainerCreating", "PodInitializing"].includes(reason ?? "");
}

/** The scheduler ends with what it also tried, `no new claims to deallocate, preemption: …`: what is missing comes first. */
function withoutDetail(message: string): string {
  return message.replace(/\.? (?:no new claims|preemption:).*$/, "");
}

function describe({ reason, message }: StatusCondition): string {
  return message ? oneLine(message) : (reason ?? "");
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}
