/**
 * A `Run` of `hueline.dev/v1alpha1`: a pipeline to be driven once, and what is seen of it. The schema (and from it the
 * CRD) is `run-schema.ts`; here are the values as the API server keeps them.
 *
 * The spec is immutable but for `suspend`, `parallelism`, `priority`, `budget` and `ttlSecondsAfterFinished`. The status
 * stays under 32 KiB whatever the plan (invariant E), and is always computable again from the store and the Jobs.
 */
import type { KubeObject } from "../kube/kube.ts";

export type Run = KubeObject & {
  readonly spec: RunSpec;
  readonly status?: RunResourceStatus;
};

export type RunSpec = {
  /** The pipeline file as the user wrote it, at most 256 KiB; one of this and `pipelineFrom`. */
  readonly pipeline?: string;
  /** Where it lies in the store when it is larger. */
  readonly pipelineFrom?: { readonly path: string; readonly sha256: string };
  /** `-p name=value`. */
  readonly params?: Readonly<Record<string, string>>;
  /** URL of the store; default: that of the installation. */
  readonly store?: string;
  /** What pods look like, beside what the pipeline's `resources` say. */
  readonly pods?: PodOptions;
  /** A LocalQueue of Kueue: admission is then Kueue's, and `suspend` of Jobs is never written. */
  readonly queue?: string;
  // What may change while it runs.
  readonly suspend?: boolean;
  /** Tasks at once, at most. Not with `queue`. */
  readonly parallelism?: number;
  /** Name of a PriorityClass (with `queue`: of a WorkloadPriorityClass), for Jobs created from now on. */
  readonly priority?: string;
  readonly budget?: { readonly gpuHours?: number };
  /** The Run object is removed so long after its end; its results stay in the store. */
  readonly ttlSecondsAfterFinished?: number;
};

/** The allow-list of what a submitter may say of pods (docs/design.md, "Security defaults"). */
export type PodOptions = {
  /** Default: the controller's own image. */
  readonly image?: string;
  readonly imagePullSecrets?: readonly string[];
  readonly serviceAccountName?: string;
  /** A Secret whose keys become environment variables (AWS_ACCESS_KEY_ID, …). */
  readonly credentialsSecret?: string;
  /** Plain variables such as AWS_REGION or AWS_ENDPOINT_URL_S3; values are visible to whoever may read the Run. */
  readonly env?: Readonly<Record<string, string>>;
  /** Extended resource that `resources.gpu` counts. Default `nvidia.com/gpu`. */
  readonly gpuResource?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
  /** Spreads tasks of a Job over the values of this node label. */
  readonly spreadOver?: string;
  /** Of the scratch volume (emptyDir) at /tmp; a quantity. Default 8Gi. */
  readonly scratch?: string;
  /** A pod on a node that does not answer is given up after this time. Default 300. */
  readonly lostAfterSeconds?: number;
};

export type Toleration = {
  readonly key?: string;
  readonly operator?: "Exists" | "Equal";
  readonly value?: string;
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  readonly tolerationSeconds?: number;
};

export type ConditionType =
  | "Planned"
  | "Admitted"
  | "Progressing"
  | "Succeeded"
  | "Failed"
  | "Suspended"
  | "Degraded";

/** `metav1.Condition`. */
export type Condition = {
  readonly type: ConditionType;
  readonly status: "True" | "False" | "Unknown";
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration: number;
};

export type RunResourcePhase =
  | "Planning"
  | "Pending"
  | "Running"
  | "Suspended"
  | "Succeeded"
  | "Failed"
  | "Cancelled";

export type RunResourceStatus = {
  readonly phase: RunResourcePhase;
  /** One line: why it waits, how it failed, how far it is. */
  readonly reason: string;
  readonly observedGeneration: number;
  readonly conditions: readonly Condition[];
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Where the details are: URL of the store and the id of the run in it. */
  readonly store?: string;
  readonly storeRun?: string;
  /** What the plan is, said once it is made: the receipt of `hueline submit`. */
  readonly plan?: PlanReceipt;
  readonly counts?: RunCounts;
  /** `12/40`, for `kubectl get`. */
  readonly done?: string;
  /** Used so far, hours with one decimal; a string since CRDs have no exact fractions. */
  readonly gpuHours?: string;
  readonly stages?: readonly {
    readonly stage: string;
    readonly kind: string;
    readonly tasks: number;
    readonly succeeded: number;
    readonly cached: number;
    readonly running: number;
    readonly failed: number;
  }[];
  /** Tasks that need a word: failed, waiting, running. At most 20. */
  readonly notes?: readonly {
    readonly task: string;
    readonly phase: string;
    readonly reason: string;
    readonly attempts: number;
  }[];
};

export type PlanReceipt = {
  readonly digest: string;
  readonly tasks: number;
  /** Found in the store when it was planned. */
  readonly cached: number;
  /** Computed by somebody else at that moment. */
  readonly shared: number;
  /** Largest at once if all that can run at once does. */
  readonly peakGpus: number;
  /** Hours that earlier runs of the same stages took, times GPUs; absent: nothing like it has run. */
  readonly gpuHours?: string;
  /** Whether quotas of the namespace allow the largest task: `fits`, or what does not. */
  readonly quota?: string;
};

export type RunCounts = {
  readonly total: number;
  readonly succeeded: number;
  readonly cached: number;
  readonly running: number;
  readonly pending: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
};
