/** Jobs and pods for tests: everything but what a test cares about has a value. */
import type {
  ContainerStatus,
  Job,
  Pod,
  PodStatus,
} from "../../src/executor/jobs/job.ts";
import { jobKeys, WORKER } from "../../src/executor/jobs/job.ts";
import { standardPods } from "../../src/executor/jobs/pod-template.ts";
import { toJob } from "../../src/executor/jobs/to-job.ts";
import { buildRun, storeRun } from "./cluster-world.ts";

export const bornAt = "2026-01-01T00:00:00Z";

export function buildJob(
  tasks: readonly string[],
  change: Partial<Pick<Job, "status">> & {
    readonly spec?: Partial<Job["spec"]>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly attempt?: number;
  } = {},
): Job {
  const job = toJob(
    {
      run: buildRun(),
      storeRun,
      settings: { ...standardPods, image: "hueline:test", storeUrl: "memory:" },
      work: {
        stage: "score",
        attempt: change.attempt ?? 1,
        tasks,
        pack: tasks.length > 1 ? "score-1" : null,
        resources: { cpu: 1, memoryBytes: 2 ** 30, gpu: 0 },
        timeoutMs: null,
        graceSeconds: 30,
      },
    },
    tasks.length,
  );
  return {
    ...job,
    metadata: {
      ...job.metadata,
      uid: `job-${change.attempt ?? 1}`,
      creationTimestamp: bornAt,
      labels: { ...job.metadata.labels, ...change.labels },
    },
    spec: { ...job.spec, ...change.spec },
    ...(change.status ? { status: change.status } : {}),
  };
}

export function buildPod(
  index: number,
  status: PodStatus,
  metadata: Partial<Pod["metadata"]> = {},
): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `pod-${index}`,
      labels: { [jobKeys.index]: String(index) },
      creationTimestamp: bornAt,
      ...metadata,
    },
    spec: { nodeName: "node-1" },
    status,
  };
}

/** The status of a pod whose worker ended. */
export function endedPod(
  exitCode: number,
  more: {
    readonly reason?: string;
    readonly message?: string;
    readonly pod?: Partial<PodStatus>;
  } = {},
): PodStatus {
  const { reason, message, pod } = more;
  return {
    phase: exitCode === 0 ? "Succeeded" : "Failed",
    ...containerIn({
      terminated: {
        exitCode,
        finishedAt: "2026-01-01T00:10:00Z",
        ...(reason ? { reason } : {}),
        ...(message ? { message } : {}),
      },
    }),
    ...pod,
  };
}

export function containerIn(state: NonNullable<ContainerStatus["state"]>) {
  return { containerStatuses: [{ name: WORKER, state }] };
}
