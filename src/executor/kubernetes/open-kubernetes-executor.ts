/**
 * The executor of a cluster: tasks as plain Indexed Jobs that belong to a Run. It keeps nothing that is not in the store
 * or in the cluster, so that whoever opens it next goes on; `close` leaves every Job as it is.
 *
 * K1 A task is done when its manifest is there (A). A pod that has ended well is the hint to look.
 * K2 Attempts are snapshotted before manifests are looked at: an attempt that ended well is never seen without its
 *    manifest. An end that is no success is in the store before it is told (F).
 * K3 `apply` may be repeated, by two at once: names are deterministic, removals name a uid, and the claims in the store
 *    keep two workers apart whatever the cluster does.
 *
 * Refuses: to decide (that is `reconcile`), to suspend Jobs (that is Kueue's), and to end an attempt for its time limit: its
 * worker keeps that itself, and the kubelet stands behind it.
 */
import type { Plan } from "../../plan/plan.ts";
import type { Executor } from "../executor.ts";
import { createKeyWatch } from "../key-watch.ts";
import { createSignalFlag } from "../signal-flag.ts";
import { createTaskIndex } from "../task-index.ts";
import { applyActions, tend } from "./apply-actions.ts";
import { openEndedAttempts } from "./ended-attempts.ts";
import {
  standardLimits,
  type ExecutorState,
  type KubernetesExecutorOptions,
} from "./executor-state.ts";
import { createGpuUsage, type GpuUsed } from "./gpu-usage.ts";
import { createJobWatch } from "./job-watch.ts";
import { observeRun } from "./observe-run.ts";
import { createQuotaTroubles } from "./quota-troubles.ts";
import { createStarter } from "./start-tasks.ts";

export type KubernetesExecutor = Executor & {
  /**
   * What Jobs need that no task waits for, such as a time to live: beside anything else, as of the last `observe`. Whoever
   * drives it does so from time to time, and when the run has come to its end.
   */
  tend(plan: Plan): Promise<void>;
  /** As of the last `observe`. */
  usage(): GpuUsed;
  /** What a person should look at although nothing has failed: a quota that has refused for long. One line each. */
  troubles(): readonly string[];
};

/** Opens the executor of a Run, whose plan is in the store; the caller holds the run's lease, and the informers are synced. */
export async function openKubernetesExecutor(
  options: KubernetesExecutorOptions,
): Promise<KubernetesExecutor> {
  const { store, storeRun } = options;
  const limits = { ...standardLimits, ...options.limits };
  const ended = await openEndedAttempts({ store, run: storeRun });
  const state: ExecutorState = {
    options,
    limits,
    ended,
    flag: createSignalFlag(),
    keys: createKeyWatch(options),
    watch: createJobWatch(options),
    usage: createGpuUsage(options.usedBefore ?? null),
    starter: createStarter({ ...options, limits }),
    quota: createQuotaTroubles(limits.quotaMs),
    byNameOf: createTaskIndex(),
    found: null,
    around: { views: [], orphans: [] },
    seen: new Map(),
  };
  return {
    observe: (plan) => observeRun(state, plan),
    apply: (plan, actions) => applyActions(state, plan, actions),
    tend: (plan) => tend(state, plan),
    changed: (signal) => state.flag.wait(signal),
    progress: () => [],
    usage: () => state.usage.total(options.clock.now()),
    troubles: () => {
      const nowMs = options.clock.now();
      return [...state.starter.troubles(nowMs), ...state.quota.list(nowMs)];
    },
    close: () => Promise.resolve(),
  };
}
