/**
 * The pods' part in `bench/cluster.ts`, where nodes are pretended: what a kubelet and its workers would do for each pod
 * that has a node. The task's manifest is committed, then the pod has succeeded. Pods of other programs get a manifest of
 * the same size, so that workers cost the same whoever has made their pods.
 *
 *   node bench/cluster-worker.ts STORE NAMESPACE
 *
 * Answers each line of its input with one line of JSON: how many pods have ended, when the last did, and when each manifest
 * was there.
 */
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { systemClock } from "../src/base/clock.ts";
import { toError } from "../src/base/errors.ts";
import { silentLogger } from "../src/base/log.ts";
import { jobKeys, type Pod } from "../src/executor/jobs/job.ts";
import { connect } from "../src/kube/connect.ts";
import { openInformer } from "../src/kube/informer.ts";
import { resources } from "../src/kube/kube.ts";
import { KubeRefusal } from "../src/kube/refusal.ts";
import { annotations } from "../src/resources/labels.ts";
import { commitManifest } from "../src/store/artifacts/manifest.ts";
import { openStore } from "../src/store/open-store.ts";
import { readPackTasks } from "../src/store/runs/run-packs.ts";
import { readPlan } from "../src/store/runs/run-records.ts";
import { buildManifest } from "../test/support/manifests.ts";
import type { WorkerReport } from "./support/cluster/worker-report.ts";

type Container = {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
};
type BoundPod = Pod & {
  readonly spec?: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
};

const [storeUrl = "", namespace = ""] = process.argv.slice(2);
const store = openStore(storeUrl, {
  currentFolder: "/",
  variables: process.env,
});
const kube = await connect({
  env: process.env,
  userAgent: "bench-worker/1",
  clock: systemClock,
  random: Math.random,
  limits: { requestsPerSecond: 5000, burst: 5000, connections: 32 },
});
const taken = new Set<string>();
const committedAtMs: number[] = [];
let ended = 0;
let lastEndedAtMs = 0;

/** What is read of a run or a pack is read once. */
function once<T>(read: (name: string) => Promise<T>) {
  const known = new Map<string, Promise<T>>();
  return (name: string): Promise<T> => {
    const value = known.get(name) ?? read(name);
    known.set(name, value);
    return value;
  };
}

const keysOf = once(async (run) => {
  const plan = await readPlan(store, run);
  return new Map(plan?.tasks.map(({ name, key }) => [name, key]));
});
const namesOf = once(async (path) => {
  const [run = "", pack = ""] = path.split(" ");
  return (await readPackTasks(store, { run, pack })) ?? [];
});

async function keyOf({ metadata, spec }: BoundPod): Promise<string> {
  const notes = metadata.annotations ?? {};
  const args = spec?.containers[0]?.args ?? [];
  const run = args[args.indexOf("--run") + 1] ?? "";
  const pack = notes[annotations.pack];
  const index = Number(notes[jobKeys.index] ?? 0);
  const task =
    pack === undefined
      ? notes[annotations.task]
      : (await namesOf(`${run} ${pack}`))[index];
  const key = task === undefined ? null : (await keysOf(run)).get(task);
  // Of nobody's Run: any key that is its own.
  return (
    key ??
    createHash("sha256")
      .update(metadata.uid ?? "")
      .digest("hex")
  );
}

async function work(pod: BoundPod): Promise<void> {
  const { name } = pod.metadata;
  await commitManifest(store, buildManifest({ key: await keyOf(pod) }));
  committedAtMs.push(Date.now());
  const status = toSucceeded(pod, new Date().toISOString());
  await kube.patch(
    resources.pod,
    { namespace, name },
    { status },
    { subresource: "status" },
  );
  ended++;
  lastEndedAtMs = Date.now();
}

async function workPatiently(pod: BoundPod): Promise<void> {
  for (;;) {
    try {
      return await work(pod);
    } catch (thrown) {
      if (thrown instanceof KubeRefusal && thrown.status === 404) return;
      process.stderr.write(`${toError(thrown).message}\n`);
      await systemClock.sleep(200);
    }
  }
}

function toSucceeded({ spec }: BoundPod, now: string): object {
  const terminated = {
    exitCode: 0,
    reason: "Completed",
    startedAt: now,
    finishedAt: now,
  };
  const toStatus = ({ name, image }: Container) => ({
    name,
    image,
    imageID: image,
    ready: false,
    restartCount: 0,
    state: { terminated },
  });
  return {
    phase: "Succeeded",
    startTime: now,
    containerStatuses: spec?.containers.map(toStatus) ?? [],
    initContainerStatuses: spec?.initContainers?.map(toStatus) ?? [],
  };
}

const pods = openInformer<BoundPod>({
  kube,
  resource: resources.pod,
  namespace,
  clock: systemClock,
  random: Math.random,
  log: silentLogger,
});
pods.onChange((pod) => {
  const { uid = "", deletionTimestamp } = pod.metadata;
  const isBound = pod.spec?.nodeName !== undefined;
  const isOver = deletionTimestamp !== undefined || taken.has(uid);
  if (!isBound || isOver || pod.status?.phase !== "Pending") return;
  taken.add(uid);
  void workPatiently(pod);
});
await pods.synced;
for await (const _ of createInterface({ input: process.stdin })) {
  const report: WorkerReport = { ended, lastEndedAtMs, committedAtMs };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
await pods.close();
await kube.close();
