/**
 * The part of a cluster that turns Jobs into pods and pods into ends, by a script: Job controller, scheduler and kubelet in
 * one, a round at a time, on the pretended API server. It keeps the rules of Indexed Jobs that matter here: a pod an index,
 * `parallelism`, the pod failure policy, `backoffLimitPerIndex`, no replacement before the end.
 */
import { resources } from "../../src/kube/kube.ts";
import { annotations, labels } from "../../src/resources/labels.ts";
import { readRanges, writeRanges } from "../../src/run/index-ranges.ts";
import { commitManifest } from "../../src/store/artifacts/manifest.ts";
import { readPackTasks } from "../../src/store/runs/run-packs.ts";
import type { Store } from "../../src/store/store.ts";
import {
  jobKeys,
  WORKER,
  type Job,
  type Pod,
} from "../../src/executor/jobs/job.ts";
import type { FakeApiServer } from "./fake-api-server.ts";
import { buildManifest } from "./manifests.ts";
import { keyOf } from "./plans.ts";

/** What a pod does in the round after its birth. */
export type PodScript =
  | { readonly kind: "succeed" }
  | { readonly kind: "run" }
  | {
      readonly kind: "exit";
      readonly code: number;
      readonly said?: string;
      /** Of the container: `OOMKilled`. */
      readonly reason?: string;
      /** The node takes it: reason of `DisruptionTarget`. */
      readonly disruption?: string;
    }
  | { readonly kind: "unschedulable"; readonly message: string }
  | {
      readonly kind: "stuck";
      readonly reason: string;
      readonly message: string;
    };

export type FakeKubelet = {
  /** Tasks whose manifest was written, each time that a pod tried: `task` or `task (again)`. */
  readonly commits: readonly string[];
  /** How many pods a task has had. */
  triesOf(task: string): number;
  /** Jobs get pods, pods get on. */
  round(): Promise<void>;
};

export function createFakeKubelet(options: {
  readonly server: FakeApiServer;
  readonly store: Store;
  readonly storeRun: string;
  readonly nowMs: () => number;
  /** A dead node ends no pod that is to go. */
  readonly isNodeDead?: () => boolean;
  /** Of a task of the plan. Default: as plans of tests have them. */
  readonly keyOf?: (task: string) => string;
  /** Whose Jobs it sees, by the uid of their Run. Default: all. */
  readonly runUid?: string;
  /** @param tries of the task before. */
  readonly script: (task: string, tries: number) => PodScript;
}): FakeKubelet {
  const { server, store, storeRun, script, runUid } = options;
  const toKey = options.keyOf ?? keyOf;
  const commits: string[] = [];
  const tries = new Map<string, number>();
  const scripts = new Map<string, PodScript>();
  let serial = 0;
  const now = (): string => new Date(options.nowMs()).toISOString();

  const tasksOf = async ({ metadata }: Job): Promise<readonly string[]> => {
    const { [annotations.task]: task, [annotations.pack]: pack = "" } =
      metadata.annotations ?? {};
    if (task !== undefined) return [task];
    if (pack === "") return [];
    return (await readPackTasks(store, { run: storeRun, pack })) ?? [];
  };
  const createPod = (job: Job, index: number, task: string): void => {
    const count = tries.get(task) ?? 0;
    tries.set(task, count + 1);
    const uid = `pod-${++serial}`;
    scripts.set(uid, script(task, count));
    const { name, namespace = "", uid: owner = "" } = job.metadata;
    const { template } = job.spec;
    server.put(resources.pod, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${name}-${index}-${String(serial).padStart(5, "0")}`,
        namespace,
        uid,
        creationTimestamp: now(),
        labels: { ...template.metadata.labels, [jobKeys.index]: `${index}` },
        annotations: template.metadata.annotations,
        ownerReferences: [
          { apiVersion: "batch/v1", kind: "Job", name, uid: owner },
        ],
      },
      spec: template.spec,
      status: { phase: "Pending" },
    });
  };
  const setStatus = (pod: Pod, status: object): void => {
    server.put(resources.pod, { ...pod, status });
  };
  const commit = async (task: string): Promise<void> => {
    const manifest = buildManifest({ key: toKey(task) });
    const outcome = await commitManifest(store, {
      ...manifest,
      epoch: (tries.get(task) ?? 0) + 1,
    });
    commits.push(outcome === "committed" ? task : `${task} (again)`);
  };
  const running = (extra: object = {}) => ({
    conditions: [
      { type: "PodScheduled", status: "True", lastTransitionTime: now() },
    ],
    ...extra,
  });
  const advance = async (pod: Pod, task: string): Promise<void> => {
    const does = scripts.get(pod.metadata.uid ?? "") ?? { kind: "run" };
    const container = (state: object) => ({
      containerStatuses: [{ name: WORKER, state }],
    });
    if (does.kind === "unschedulable")
      return setStatus(pod, {
        phase: "Pending",
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
            message: does.message,
          },
        ],
      });
    const placed = { ...pod, spec: { ...pod.spec, nodeName: "node-1" } };
    if (does.kind === "stuck") {
      if (pod.status?.containerStatuses) return;
      const { reason, message } = does;
      return setStatus(
        placed,
        running({
          phase: "Pending",
          ...container({ waiting: { reason, message } }),
        }),
      );
    }
    if (pod.status?.phase === "Pending")
      return setStatus(
        placed,
        running({
          phase: "Running",
          ...container({ running: { startedAt: now() } }),
        }),
      );
    if (does.kind === "run") return;
    if (does.kind === "succeed") await commit(task);
    const {
      code,
      said = "",
      reason,
      disruption,
    } = does.kind === "exit" ? does : { code: 0 };
    setStatus(placed, {
      phase: code === 0 ? "Succeeded" : "Failed",
      conditions: disruption
        ? [{ type: "DisruptionTarget", status: "True", reason: disruption }]
        : [],
      ...container({
        terminated: {
          exitCode: code,
          message: said,
          startedAt: now(),
          finishedAt: now(),
          ...(reason ? { reason } : {}),
        },
      }),
    });
  };
  const tend = async (job: Job): Promise<void> => {
    const { name, namespace = "", uid = "" } = job.metadata;
    if (job.spec.suspend) return;
    const tasks = await tasksOf(job);
    const pods = (
      server.list(resources.pod, namespace) as unknown as Pod[]
    ).filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === uid);
    const ofIndex = Map.groupBy(pods, (pod) =>
      Number(pod.metadata.labels?.[jobKeys.index]),
    );
    const completed = new Set(readRanges(job.status?.completedIndexes ?? ""));
    const failed = new Set(readRanges(job.status?.failedIndexes ?? ""));
    let active = 0;
    for (const pod of pods)
      if (!["Succeeded", "Failed"].includes(pod.status?.phase ?? "")) active++;
    for (const [index, task] of tasks.entries()) {
      const own = ofIndex.get(index) ?? [];
      if (own.some(({ status }) => status?.phase === "Succeeded"))
        completed.add(index);
      const counted = own.filter(
        (pod) => actionOf(job, pod) === "Count",
      ).length;
      if (
        own.some((pod) => actionOf(job, pod) === "FailIndex") ||
        counted > job.spec.backoffLimitPerIndex
      )
        failed.add(index);
      if (completed.has(index) || failed.has(index)) continue;
      const isThere = own.some(
        ({ status }) => !["Succeeded", "Failed"].includes(status?.phase ?? ""),
      );
      if (isThere || active >= job.spec.parallelism) continue;
      createPod(job, index, task);
      active++;
    }
    const ascending = (a: number, b: number): number => a - b;
    const isOver = completed.size + failed.size === tasks.length;
    server.change(
      resources.job,
      { name, namespace },
      {
        status: {
          completedIndexes: writeRanges([...completed].sort(ascending)),
          failedIndexes: writeRanges([...failed].sort(ascending)),
          conditions: isOver
            ? [
                {
                  type: failed.size > 0 ? "Failed" : "Complete",
                  status: "True",
                },
              ]
            : [],
        },
      },
    );
  };

  return {
    commits,
    triesOf: (task) => tries.get(task) ?? 0,
    async round() {
      if (!options.isNodeDead?.())
        for (const { metadata } of server.list(resources.pod))
          if (metadata.deletionTimestamp !== undefined)
            server.remove(resources.pod, metadata.name, metadata.namespace);
      for (const job of server.list(resources.job) as unknown as Job[]) {
        if (runUid && job.metadata.labels?.[labels.run] !== runUid) continue;
        const tasks = await tasksOf(job);
        const { uid, namespace = "" } = job.metadata;
        for (const pod of server.list(
          resources.pod,
          namespace,
        ) as unknown as Pod[]) {
          if (pod.metadata.ownerReferences?.[0]?.uid !== uid) continue;
          if (["Succeeded", "Failed"].includes(pod.status?.phase ?? ""))
            continue;
          const index = Number(pod.metadata.labels?.[jobKeys.index]);
          await advance(pod, tasks[index] ?? "");
        }
        await tend(job);
      }
    },
  };
}

/** What the Job's policy says of a pod's end; null: it has not failed. */
function actionOf(job: Job, pod: Pod): "Ignore" | "FailIndex" | "Count" | null {
  if (pod.status?.phase !== "Failed") return null;
  const code = pod.status.containerStatuses?.[0]?.state?.terminated?.exitCode;
  for (const rule of job.spec.podFailurePolicy.rules) {
    if ("onPodConditions" in rule) {
      const isTaken = pod.status.conditions?.some(
        ({ type, status }) => type === "DisruptionTarget" && status === "True",
      );
      if (isTaken) return rule.action;
    } else if (rule.onExitCodes.values.includes(code ?? -1)) return rule.action;
  }
  return "Count";
}
