/** From a Run to the loop that drives it: its store, its executor, its status, wired to what the controller has. */
import type { Clock } from "../../base/clock.ts";
import { TransientError, UserError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { standardLimits } from "../../executor/kubernetes/executor-state.ts";
import { tendEnded } from "../../executor/kubernetes/tend-jobs.ts";
import { openKubernetesExecutor } from "../../executor/kubernetes/open-kubernetes-executor.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import type { Place } from "../../plan/create-plan.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Hindrance } from "../../resources/run-status.ts";
import { storeRunOf } from "../../resources/store-run.ts";
import type { ClaimOptions } from "../../store/claims/claims.ts";
import type { ClaimOwner } from "../../store/claims/owner.ts";
import type { Store } from "../../store/store.ts";
import type { Metrics } from "../service/metrics.ts";
import type { Watched } from "../objects.ts";
import type { OpenRunOptions } from "./open-run.ts";
import type { Capabilities } from "../service/probe.ts";
import { judgeQuota, type ResourceQuota } from "./quota.ts";
import { createRefusedLoop, type OpenedLoop } from "./run-desk.ts";
import { createRunLoop } from "./run-loop.ts";
import type { ControllerSettings } from "../service/settings.ts";
import { createStatusWriter } from "./status-writer.ts";

export type OpenLoopOptions = {
  readonly kube: Kube;
  readonly watched: Watched;
  readonly settings: ControllerSettings;
  readonly capabilities: Capabilities;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly fingerprint: (place: Place) => Promise<string>;
  readonly openStore: (url: string) => Store;
  /** Writes what `hueline run` writes when a run has succeeded. */
  readonly writeReports: (
    store: Store,
    options: { readonly run: string; readonly plan: Plan },
  ) => Promise<unknown>;
  /** This process, and how to tell whether another one lives. */
  readonly owner: ClaimOwner;
  readonly isOwnerAlive: ClaimOptions["isOwnerAlive"];
  /** `isUrgent`: something may start now that could not before. */
  readonly onChange: (key: string, isUrgent?: boolean) => void;
};

/** `key`: what its changes are told under. */
export function openLoop(
  options: OpenLoopOptions,
  key: string,
  run: Run,
): OpenedLoop {
  const { kube, settings, clock, metrics } = options;
  const storeRun = storeRunOf(run);
  const log = options.log.child({ run: storeRun });
  const storeUrl = run.spec.store ?? settings.storeUrl;
  const onChange = (): void => {
    options.onChange(key);
  };
  const status = createStatusWriter({
    kube,
    clock,
    log,
    writeEveryMs: settings.limits.statusEveryMs,
    store: { url: storeUrl, run: storeRun },
    hindrances: toHindrances(options.capabilities),
    onWritten: metrics.statusWritten,
    onFailed: onChange,
  });
  let store: Store;
  try {
    store = openRunStore(storeUrl, options);
  } catch (thrown) {
    return createRefusedLoop(status, thrown);
  }
  const loop = createRunLoop({
    store,
    storeRun,
    status,
    clock,
    log,
    fingerprint: options.fingerprint,
    owner: { ...options.owner, run: storeRun },
    isOwnerAlive: options.isOwnerAlive,
    mayForce: settings.sharing !== null,
    lookEveryMs: settings.limits.lookEveryMs,
    onChange,
    onReady: () => {
      options.onChange(key, true);
    },
    tendEnded: (ended) => tendEndedRun(options, ended),
    readWhole: (from) => readWhole(kube, from),
    judgeQuota: (plan) => judge(options, run, plan),
    writeReports: async (plan) => {
      await options.writeReports(store, { run: storeRun, plan });
    },
    openExecutor: executorOf(options, { run, store, storeRun, log }),
  });
  return { loop, status };
}

/** A Run may name a bucket, never a folder of the controller's own disk, unless that is the installation's store. */
function openRunStore(
  url: string,
  { openStore, settings }: OpenLoopOptions,
): Store {
  if (url === settings.storeUrl || /^s3:/i.test(url)) return openStore(url);
  throw new UserError({
    code: "run.store",
    message: `expected a store that pods can reach, s3://bucket/prefix, found '${url}'`,
    hint: "leave spec.store out: the installation has one",
  });
}

function executorOf(
  { kube, watched, settings, clock }: OpenLoopOptions,
  of: {
    readonly run: Run;
    readonly store: Store;
    readonly storeRun: string;
    readonly log: Logger;
  },
): OpenRunOptions["openExecutor"] {
  return (given) =>
    openKubernetesExecutor({
      kube,
      jobs: watched.jobs,
      pods: watched.pods,
      store: of.store,
      storeRun: of.storeRun,
      clock,
      log: of.log,
      settings: { ...settings.pods, storeUrl: of.store.url },
      limits: settings.executor,
      ...given,
    });
}

async function readWhole(kube: Kube, { metadata }: Run): Promise<Run> {
  const { name, namespace = "", uid } = metadata;
  const found = await kube.get<Run>(resources.run, { name, namespace });
  if (found?.metadata.uid === uid && found !== null) return found;
  throw new TransientError({
    code: "run.gone",
    message: `the Run '${name}' went while it was planned`,
  });
}

async function tendEndedRun(
  { kube, watched, settings }: OpenLoopOptions,
  { metadata, status }: Run,
): Promise<void> {
  const limits = { ...standardLimits, ...settings.executor };
  await tendEnded(watched.jobs.byIndex(metadata.uid ?? ""), {
    kube,
    hasSucceeded: status?.phase === "Succeeded",
    ttlSeconds: limits.ttlSeconds,
  });
}

/** Null: it is not for us to know. */
async function judge(
  { kube, capabilities, settings }: OpenLoopOptions,
  { metadata, spec }: Run,
  plan: Plan,
): Promise<string | null> {
  if (!capabilities.canReadQuotas) return null;
  const { namespace = "" } = metadata;
  const { items } = await kube.list<ResourceQuota>(resources.resourceQuota, {
    namespace,
  });
  const gpuResource = spec.pods?.gpuResource ?? settings.pods.gpuResource;
  const needs = plan.tasks.map((task) => task.resources);
  return judgeQuota(items, needs, gpuResource);
}

function toHindrances({ missing }: Capabilities): readonly Hindrance[] {
  if (missing.length === 0) return [];
  const message = `the controller may not ${missing.join(", ")}: give its service account the Role of the installation`;
  return [{ reason: "RightsMissing", message }];
}
