/**
 * The parts of `batch/v1` Job and `v1` Pod that are written or read here, as JSON. Everything else that the server sends
 * is carried along untyped, and what it adds to a Job (defaults, webhooks) is never compared.
 */
import type { KubeObject } from "../../kube/kube.ts";

export type Labels = Readonly<Record<string, string>>;

export type Job = KubeObject & {
  readonly spec: JobSpec;
  readonly status?: JobStatus;
};

/** `spec.suspend` is only ever read: whose it is, the user's or Kueue's, it is not ours. */
export type JobSpec = {
  readonly completionMode: "Indexed";
  readonly completions: number;
  readonly parallelism: number;
  readonly backoffLimitPerIndex: number;
  readonly podReplacementPolicy: "Failed";
  readonly podFailurePolicy: { readonly rules: readonly PodFailureRule[] };
  readonly template: PodTemplate;
  readonly suspend?: boolean;
  readonly ttlSecondsAfterFinished?: number;
};

export type PodFailureRule =
  | {
      readonly action: "Ignore";
      readonly onPodConditions: readonly {
        readonly type: "DisruptionTarget";
        readonly status: "True";
      }[];
    }
  | {
      readonly action: "Ignore" | "FailIndex";
      readonly onExitCodes: {
        readonly containerName: string;
        readonly operator: "In";
        readonly values: readonly number[];
      };
    };

export type PodTemplate = {
  readonly metadata: {
    readonly labels: Labels;
    readonly annotations: Labels;
  };
  readonly spec: object;
};

export type JobStatus = {
  /** Ranges, `0-5,7`. */
  readonly completedIndexes?: string;
  readonly failedIndexes?: string;
  readonly startTime?: string;
  readonly conditions?: readonly StatusCondition[];
};

export type StatusCondition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
};

export type Pod = KubeObject & {
  readonly metadata: { readonly deletionGracePeriodSeconds?: number };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: PodStatus;
};

export type PodStatus = {
  readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly startTime?: string;
  readonly conditions?: readonly StatusCondition[];
  readonly containerStatuses?: readonly ContainerStatus[];
};

export type ContainerStatus = {
  readonly name: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: {
      readonly exitCode: number;
      readonly reason?: string;
      readonly message?: string;
      readonly startedAt?: string;
      readonly finishedAt?: string;
    };
  };
};

/** The container that works; whatever else a cluster puts into a pod is not looked at. */
export const WORKER = "worker";

/** Labels and annotations that the Job controller gives to pods (KEP-3329, KEP-3850). */
export const jobKeys = {
  jobName: "batch.kubernetes.io/job-name",
  index: "batch.kubernetes.io/job-completion-index",
  ignoredFailures: "batch.kubernetes.io/job-index-ignored-failure-count",
} as const;

/** What the worker of a pod came to. */
export function workerOf(pod: Pod): ContainerStatus | null {
  const all = pod.status?.containerStatuses ?? [];
  return all.find(({ name }) => name === WORKER) ?? null;
}

export function conditionOf(
  object: Job | Pod,
  type: string,
): StatusCondition | null {
  const all = object.status?.conditions ?? [];
  return all.find((condition) => condition.type === type) ?? null;
}

/** RFC 3339 → milliseconds; `otherwise` where there is none. */
export function timeOf(text: string | undefined, otherwise: number): number {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? otherwise : ms;
}
