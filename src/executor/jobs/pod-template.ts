/**
 * What the pods of a Job look like. Pure: (Run, settings of the installation, work) → template; golden files show it.
 *
 *  - They satisfy the `restricted` Pod Security Standard: no root, no capability, a root file system that is read only.
 *    What they write goes to a scratch volume at /tmp. No token of the cluster is mounted; a cloud's webhook mounts its
 *    own for web identity, by the service account.
 *  - I: credentials come by the name of a Secret; a value never stands here.
 *  - Who submits a Run says only what `PodOptions` allows.
 */
import type { Run, Toleration } from "../../resources/run-resource.ts";
import { annotations, labels } from "../../resources/labels.ts";
import type { JobWork } from "./job-work.ts";
import { cut } from "./job-name.ts";
import { WORKER, type Labels, type PodTemplate } from "./job.ts";
import { bytesQuantity, cpuQuantity } from "./quantities.ts";

/** What the installation gives to pods where a Run does not say. */
export type PodSettings = {
  /** The controller's own. */
  readonly image: string;
  readonly storeUrl: string;
  readonly gpuResource: string;
  /** Of the scratch volume; a quantity. */
  readonly scratch: string;
  /** A pod on a node that does not answer is given up after this time. */
  readonly lostAfterSeconds: number;
  readonly imagePullSecrets?: readonly string[];
  readonly serviceAccountName?: string;
  readonly credentialsSecret?: string;
  readonly env?: Readonly<Record<string, string>>;
};

export const standardPods = {
  gpuResource: "nvidia.com/gpu",
  scratch: "8Gi",
  lostAfterSeconds: 300,
} as const;

const SCRATCH = "/tmp";
/** How much later than the worker the kubelet ends a pod that is over its time: pulling an image counts there. */
const DEADLINE_MARGIN_SECONDS = 600;

/** Where pods are given up sooner than Kubernetes would by itself. */
const LOST_NODE = [
  "node.kubernetes.io/not-ready",
  "node.kubernetes.io/unreachable",
];

export type TemplateInput = {
  readonly run: Run;
  /** The run's id in the store. */
  readonly storeRun: string;
  readonly settings: PodSettings;
  readonly work: JobWork;
};

export function createPodTemplate(input: TemplateInput): PodTemplate {
  const { run, settings, work } = input;
  const pods = {
    ...settings,
    ...run.spec.pods,
    env: { ...settings.env, ...run.spec.pods?.env },
  };
  const account = pods.serviceAccountName;
  const { queue, priority } = run.spec;
  return {
    metadata: {
      labels: podLabels(run, work.stage),
      annotations: workAnnotations(work),
    },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: work.graceSeconds,
      ...(work.timeoutMs === null
        ? {}
        : { activeDeadlineSeconds: deadlineSeconds(work) }),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(account === undefined ? {} : { serviceAccountName: account }),
      ...(pods.imagePullSecrets?.length
        ? { imagePullSecrets: pods.imagePullSecrets.map((name) => ({ name })) }
        : {}),
      ...(priority !== undefined && queue === undefined
        ? { priorityClassName: priority }
        : {}),
      ...(pods.nodeSelector ? { nodeSelector: pods.nodeSelector } : {}),
      tolerations: [
        ...(pods.tolerations ?? []),
        ...LOST_NODE.map((key) => lostNode(key, pods.lostAfterSeconds)),
      ],
      ...spread(run, work.stage),
      securityContext: {
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [createContainer(input, pods)],
      volumes: [{ name: "scratch", emptyDir: { sizeLimit: pods.scratch } }],
    },
  };
}

function createContainer(
  { storeRun, work }: TemplateInput,
  pods: PodSettings,
): object {
  const { resources } = work;
  const gpus =
    resources.gpu > 0 ? { [pods.gpuResource]: String(resources.gpu) } : {};
  const memory = bytesQuantity(resources.memoryBytes);
  return {
    name: WORKER,
    image: pods.image,
    args: workerArguments(storeRun, work),
    env: environmentOf(pods),
    ...(pods.credentialsSecret === undefined
      ? {}
      : { envFrom: [{ secretRef: { name: pods.credentialsSecret } }] }),
    resources: {
      requests: { cpu: cpuQuantity(resources.cpu), memory, ...gpus },
      // No limit of cores: what the node has free is used, and a training is never throttled.
      limits: { memory, ...gpus },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ name: "scratch", mountPath: SCRATCH }],
  };
}

/** The index of a pack comes from the Job controller, which adds the variable to each container of an Indexed Job. */
function workerArguments(storeRun: string, work: JobWork): readonly string[] {
  const { pack, tasks, graceSeconds } = work;
  return [
    "worker",
    "--run",
    storeRun,
    ...(pack === null
      ? ["--task", tasks[0] ?? ""]
      : ["--pack", pack, "--index", "$(JOB_COMPLETION_INDEX)"]),
    "--detached",
    "--log-to-store",
    "--grace",
    `${graceSeconds}s`,
  ];
}

/** Ours last: a Run's variables must not send a worker to another store. */
function environmentOf({ env = {}, storeUrl }: PodSettings) {
  const variables = {
    ...env,
    HOME: SCRATCH,
    XDG_CACHE_HOME: `${SCRATCH}/cache`,
    HUELINE_STORE: storeUrl,
  };
  return Object.entries(variables).map(([name, value]) => ({ name, value }));
}

/** Labels of a Run's Jobs and pods: what informers, policies and people select by. */
export function podLabels({ metadata }: Run, stage: string): Labels {
  return {
    [labels.run]: metadata.uid ?? "",
    [labels.runName]: cut(metadata.name, 63),
    [labels.stage]: cut(stage, 63),
    [labels.component]: WORKER,
    [labels.managedBy]: "hueline",
  };
}

/** On a Job and on its pods: a pod whose Job is gone still says what it works on. */
export function workAnnotations({ pack, tasks, attempt }: JobWork): Labels {
  return {
    ...(pack === null
      ? { [annotations.task]: tasks[0] ?? "" }
      : { [annotations.pack]: pack }),
    [annotations.attempt]: String(attempt),
  };
}

/** The worker keeps its time limit itself, saves and says so; this is for one that hangs. */
function deadlineSeconds({ timeoutMs, graceSeconds }: JobWork): number {
  const seconds = Math.ceil((timeoutMs ?? 0) / 1000);
  return seconds + graceSeconds + DEADLINE_MARGIN_SECONDS;
}

function lostNode(key: string, tolerationSeconds: number): Toleration {
  return { key, operator: "Exists", effect: "NoExecute", tolerationSeconds };
}

function spread(run: Run, stage: string): object {
  const over = run.spec.pods?.spreadOver;
  if (over === undefined) return {};
  return {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: over,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: podLabels(run, stage) },
      },
    ],
  };
}
