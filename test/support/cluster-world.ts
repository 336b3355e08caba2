/**
 * A Run in a small cluster: the pretended API server and kubelet, a store in memory, and the executor with the driver on
 * top. Informers are snapshots that a test takes when it wants to, so that it decides how late they are.
 */
import type { Informer } from "../../src/kube/informer-port.ts";
import { resources, type KubeObject } from "../../src/kube/kube.ts";
import { createDriver, type Driver } from "../../src/executor/driver.ts";
import type { KubernetesLimits } from "../../src/executor/kubernetes/executor-state.ts";
import {
  openKubernetesExecutor,
  type KubernetesExecutor,
} from "../../src/executor/kubernetes/open-kubernetes-executor.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { Job, Pod } from "../../src/executor/jobs/job.ts";
import { standardPods } from "../../src/executor/jobs/pod-template.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { noControl, type RunControl } from "../../src/run/observation.ts";
import type { Decision } from "../../src/run/status.ts";
import { labels } from "../../src/resources/labels.ts";
import type { Run, RunSpec } from "../../src/resources/run-resource.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { testNamespace } from "./fake-api-server.ts";
import { createFakeKubelet, type PodScript } from "./fake-kubelet.ts";
import { openKube } from "./kube.ts";
import { createManualClock } from "./manual-clock.ts";

export const storeRun = "study-0a1b2c3d";

export function buildRun(spec: Partial<RunSpec> = {}): Run {
  return {
    apiVersion: "hueline.dev/v1alpha1",
    kind: "Run",
    metadata: {
      name: "study",
      namespace: testNamespace,
      uid: "0a1b2c3d-0000-4000-8000-000000000000",
    },
    spec: { pipeline: "name: study", ...spec },
  };
}

/** An informer that knows what it was shown last. */
function createSnapshot<T extends KubeObject>(list: () => readonly T[]) {
  let known: readonly T[] = [];
  const informer: Informer<T> = {
    get: (namespace, name) =>
      known.find(
        ({ metadata }) =>
          metadata.name === name && metadata.namespace === namespace,
      ) ?? null,
    list: () => known,
    byIndex: (value) =>
      known.filter(({ metadata }) => metadata.labels?.[labels.run] === value),
    onChange: () => undefined,
    synced: Promise.resolve(),
    silentMs: () => 0,
    close: () => Promise.resolve(),
  };
  return {
    informer,
    take: () => {
      known = list();
    },
  };
}

export async function openClusterWorld(options: {
  readonly plan: Plan;
  readonly script: (task: string, tries: number) => PodScript;
  readonly spec?: Partial<RunSpec>;
  readonly limits?: Partial<KubernetesLimits>;
  readonly store?: Store;
  readonly findHolder?: (key: string) => Promise<string | null>;
  readonly isNodeDead?: () => boolean;
}) {
  const { plan, store = createMemoryStore() } = options;
  const { server, kube } = await openKube({ kinds: [resources.workload] });
  const clock = createManualClock(Date.now());
  const kubelet = createFakeKubelet({
    ...options,
    server,
    store,
    storeRun,
    nowMs: () => clock.now(),
  });
  const jobs = createSnapshot(
    () => server.list(resources.job) as unknown as Job[],
  );
  const pods = createSnapshot(
    () => server.list(resources.pod) as unknown as Pod[],
  );
  let run = buildRun(options.spec);
  let control: RunControl = noControl;
  const open = async (): Promise<{
    readonly executor: KubernetesExecutor;
    readonly driver: Driver;
  }> => {
    const executor = await openKubernetesExecutor({
      kube,
      jobs: jobs.informer,
      pods: pods.informer,
      getRun: () => run,
      store,
      storeRun,
      clock,
      log: silentLogger,
      readControl: () => control,
      findHolder: options.findHolder ?? (() => Promise.resolve(null)),
      settings: {
        ...standardPods,
        image: "hueline:test",
        storeUrl: "s3://bucket/prefix",
      },
      ...(options.limits ? { limits: options.limits } : {}),
    });
    const driver = createDriver({
      plan,
      run: storeRun,
      store,
      executor,
      clock,
      log: silentLogger,
      listener: () => undefined,
    });
    return { executor, driver };
  };
  let current = await open();

  const world = {
    server,
    kube,
    store,
    clock,
    kubelet,
    jobs: () => server.list(resources.job) as unknown as readonly Job[],
    pods: () => server.list(resources.pod) as unknown as readonly Pod[],
    executor: () => current.executor,
    setControl(next: Partial<RunControl>) {
      control = { ...noControl, ...next };
    },
    setSpec(spec: Partial<RunSpec>) {
      run = { ...run, spec: { ...run.spec, ...spec } };
    },
    /** The informers hear of everything. */
    sync() {
      jobs.take();
      pods.take();
    },
    async drive(): Promise<Decision> {
      const decision = await current.driver.step();
      await current.executor.tend(plan);
      return decision;
    },
    /** The driver dies and another one comes. */
    async restart() {
      current = await open();
    },
    /** One round of everything, `seconds` apart. */
    async round(seconds = 2): Promise<Decision> {
      world.sync();
      const decision = await world.drive();
      await kubelet.round();
      clock.advance(seconds * 1000);
      return decision;
    },
    /** Rounds until the run has the phase, or as many as anything takes. */
    async until(phase: string, seconds = 2): Promise<Decision> {
      for (let i = 0; i < 200; i++) {
        const decision = await world.round(seconds);
        if (decision.status.phase === phase) return decision;
      }
      throw new Error(`the run has not become ${phase}`);
    },
  };
  return world;
}
