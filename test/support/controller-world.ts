/**
 * Controllers in a small cluster: the pretended API server, a pretended kubelet that works on what they create, a store in
 * memory, and controllers that can be killed like processes: whatever they do after that is never answered.
 */
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import {
  startController,
  type Controller,
  type ControllerOptions,
} from "../../src/controller/controller.ts";
import {
  createMetrics,
  type Metrics,
} from "../../src/controller/service/metrics.ts";
import {
  standardControllerLimits,
  type ControllerSettings,
} from "../../src/controller/service/settings.ts";
import { WORKER } from "../../src/executor/jobs/job.ts";
import { standardPods } from "../../src/executor/jobs/pod-template.ts";
import { resources, type Kube } from "../../src/kube/kube.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { annotations } from "../../src/resources/labels.ts";
import type { Run, RunSpec } from "../../src/resources/run-resource.ts";
import { storeRunOf } from "../../src/resources/store-run.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { commitManifest } from "../../src/store/artifacts/manifest.ts";
import { readPlan } from "../../src/store/runs/run-records.ts";
import type { Store } from "../../src/store/store.ts";
import { testNamespace, type ApiObject } from "./fake-api-server.ts";
import {
  createFakeKubelet,
  type FakeKubelet,
  type PodScript,
} from "./fake-kubelet.ts";
import { openKube } from "./kube.ts";
import { buildManifest } from "./manifests.ts";
import { waitFor } from "./wait-for.ts";

/** A shard stage of two parts and a catalog, then a pretraining for each seed. */
export const smallPipeline = `
name: small
seeds: [0, 1, 2]
stages:
  photos:
    kind: shard
    with: { source: "s3://bucket/photos", format: image-folder, shards: 2 }
  pretrain:
    kind: pretrain
    inputs: { data: photos }
    with:
      model: conv6
      steps: 10
      batch: 4
      objective: { kind: colorize, target: lab-regression }
`;

export const storeUrl = "memory:";

export type TestController = Controller & {
  readonly metrics: Metrics;
  /** As kill -9: nothing that it does from now on happens. */
  kill(): void;
};

export type ControllerWorld = Awaited<ReturnType<typeof openControllerWorld>>;

const limits = {
  ...standardControllerLimits,
  stepGapMs: 1,
  lookEveryMs: 200,
  statusEveryMs: 10,
  shutdownMs: 5_000,
};

export async function openControllerWorld(
  options: {
    readonly store?: Store;
    readonly script?: (task: string, tries: number) => PodScript;
    /** What becomes of reports. Default: they are written. */
    readonly writeReports?: () => void;
    /** How long it takes to look at a source. */
    readonly fingerprinted?: Promise<void>;
  } = {},
) {
  const { store = createMemoryStore() } = options;
  const { server, kube } = await openKube();
  const script = options.script ?? (() => ({ kind: "succeed" }) as const);
  const kubelets = new Map<string, FakeKubelet>();
  const alive = new Set<string>();
  const reports: string[] = [];
  const over = new AbortController();
  let isPaused = false;
  let pids = 0;

  const kubeletOf = async (run: Run): Promise<FakeKubelet | null> => {
    const storeRun = storeRunOf(run);
    const known = kubelets.get(storeRun);
    if (known !== undefined) return known;
    const plan = await readPlan(store, storeRun);
    if (plan === null) return null;
    const keys = new Map(plan.tasks.map(({ name, key }) => [name, key]));
    const kubelet = createFakeKubelet({
      server,
      store,
      storeRun,
      script,
      runUid: run.metadata.uid ?? "",
      nowMs: () => Date.now(),
      keyOf: (task) => keys.get(task) ?? "",
    });
    kubelets.set(storeRun, kubelet);
    return kubelet;
  };
  const runs = (): readonly Run[] =>
    server.list(resources.run) as unknown as readonly Run[];
  const kubelet = async (): Promise<void> => {
    while (!over.signal.aborted) {
      if (!isPaused)
        for (const run of runs()) await (await kubeletOf(run))?.round();
      await delay(2);
    }
  };
  const working = kubelet();
  onTestFinished(async () => {
    over.abort();
    await working;
  });

  const world = {
    server,
    kube,
    store,
    /** Runs whose reports were written, each time. */
    reports,
    pauseKubelet(paused: boolean) {
      isPaused = paused;
    },
    /** What the pods of a Run have committed. */
    async commits(name: string): Promise<readonly string[]> {
      const run = world.run(name);
      return run === null ? [] : ((await kubeletOf(run))?.commits ?? []);
    },
    triesOf: async (name: string, task: string): Promise<number> => {
      const run = world.run(name);
      return run === null ? 0 : ((await kubeletOf(run))?.triesOf(task) ?? 0);
    },
    run: (name: string): Run | null =>
      server.get(resources.run, name, testNamespace) as Run | null,
    async submit(
      name: string,
      spec: Partial<RunSpec> = {},
      annotations: Readonly<Record<string, string>> = {},
    ): Promise<Run> {
      return await kube.create<Run>(resources.run, {
        apiVersion: resources.run.apiVersion,
        kind: "Run",
        metadata: { name, namespace: testNamespace, annotations },
        spec: { pipeline: smallPipeline, ...spec },
      });
    },
    async change(name: string, patch: object): Promise<void> {
      await kube.patch(
        resources.run,
        { name, namespace: testNamespace },
        patch,
      );
    },
    async phase(name: string, phase: string): Promise<Run> {
      return await waitFor(`${phase} of ${name}`, () => {
        const run = world.run(name);
        return run?.status?.phase === phase ? run : null;
      });
    },
    /** Ends the pod that works on a task, well. */
    async finish(name: string, task: string): Promise<void> {
      const run = world.run(name);
      const plan = run && (await readPlan(store, storeRunOf(run)));
      const { key = "" } = plan?.tasks.find((one) => one.name === task) ?? {};
      await commitManifest(store, buildManifest({ key }));
      const pod = server
        .list(resources.pod)
        .find(
          ({ metadata }) => metadata.annotations?.[annotations.task] === task,
        );
      const state = { terminated: { exitCode: 0 } };
      server.change(resources.pod, pod?.metadata ?? { name: "" }, {
        status: {
          phase: "Succeeded",
          containerStatuses: [{ name: WORKER, state }],
        },
      });
    },
    /** Messages of the Events of a Run, by reason. */
    events: (name: string): readonly string[] =>
      (server.list(resources.event) as readonly (ApiObject & Event)[])
        .filter(({ involvedObject }) => involvedObject?.name === name)
        .map(({ reason }) => reason ?? ""),
    async start(
      change: {
        readonly settings?: Partial<ControllerSettings>;
        readonly isShared?: boolean;
        readonly store?: Store;
        readonly identity?: string;
      } = {},
    ): Promise<TestController> {
      const identity = change.identity ?? `controller-${++pids}`;
      const life = createLife();
      const host = `${identity}-${++pids}`;
      alive.add(host);
      const metrics = createMetrics();
      const settings: ControllerSettings = {
        namespace: testNamespace,
        storeUrl,
        pods: { ...standardPods, image: "hueline:test" },
        identity,
        sharing:
          change.isShared === false
            ? null
            : {
                namespace: testNamespace,
                shards: 4,
                durationMs: 900,
                roundMs: 100,
              },
        http: null,
        limits,
        executor: {},
        ...change.settings,
      };
      const controller = await startController({
        kube: life.guard(kube),
        settings,
        metrics,
        clock: life.clock,
        random: () => 0.5,
        cpuMs: () => process.cpuUsage().user / 1000,
        log: silentLogger,
        async fingerprint({ place }) {
          await options.fingerprinted;
          return `fingerprint of ${place}`;
        },
        openStore: () => life.guard(change.store ?? store),
        writeReports: async (_: Store, of: { run: string; plan: Plan }) => {
          options.writeReports?.();
          reports.push(of.run);
        },
        owner: {
          host,
          pid: pids,
          bootId: null,
          pidStartTime: null,
          run: "",
          task: "controller",
        },
        isOwnerAlive: async (owner) =>
          alive.has(owner.host) ? "alive" : "dead",
      } satisfies ControllerOptions);
      await controller.started;
      let hasEnded = false;
      const end = async (): Promise<void> => {
        if (hasEnded) return;
        hasEnded = true;
        await controller.close();
        alive.delete(host);
      };
      onTestFinished(end);
      return {
        ...controller,
        metrics,
        close: end,
        kill() {
          hasEnded = true;
          alive.delete(host);
          life.end();
        },
      };
    },
  };
  return world;
}

type Event = {
  readonly reason?: string;
  readonly involvedObject?: { readonly name?: string };
};

/** What a process can reach while it lives. */
function createLife(): {
  readonly clock: Clock;
  guard<T extends Kube | Store>(port: T): T;
  end(): void;
} {
  let isAlive = true;
  const never = new Promise<never>(() => undefined);
  const or = <T>(value: T): T | Promise<never> => (isAlive ? value : never);
  return {
    clock: {
      ...systemClock,
      sleep: async (ms, signal) => {
        await systemClock.sleep(ms, signal);
        await or(undefined);
      },
    },
    guard: (port) =>
      new Proxy(port, {
        get(target, name, receiver) {
          const value: unknown = Reflect.get(target, name, receiver);
          if (typeof value !== "function") return value;
          return (...args: unknown[]) => {
            if (!isAlive) return never;
            const answer: unknown = Reflect.apply(value, target, args);
            if (answer instanceof Promise) return answer.then(or);
            if (isIterable(answer)) return whileAlive(answer, or);
            return answer;
          };
        },
      }),
    end() {
      isAlive = false;
    },
  };
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof value === "object" && value !== null && Symbol.asyncIterator in value
  );
}

async function* whileAlive(
  items: AsyncIterable<unknown>,
  or: (value: unknown) => unknown,
): AsyncIterable<unknown> {
  for await (const item of items) yield await or(item);
}
