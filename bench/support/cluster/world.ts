/** What the cases are written with: the cluster, a namespace and a store for each arm, its workers, and its controllers. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { connect } from "../../../src/kube/connect.ts";
import type { Kube, KubeObject, KubeResource } from "../../../src/kube/kube.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { startLineProgram } from "../arms.ts";
import {
  answers,
  startProgram,
  until,
  usageOf,
  type Program,
} from "./processes.ts";
import { rigVariables } from "./rig.ts";
import type { WorkerReport } from "./worker-report.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const METRICS = "127.0.0.1:9091";

export const namespaces = {
  apiVersion: "v1",
  kind: "Namespace",
  plural: "namespaces",
  isNamespaced: false,
} as const satisfies KubeResource;

export type World = {
  readonly kube: Kube;
  readonly folder: string;
  readonly audit: string;
  readonly kubeconfig: string;
  /** Controllers stand for some on a machine of their own. */
  readonly isElsewhere: boolean;
  /** CPU seconds of the control plane so far, by program. */
  planeSeconds(): Readonly<Record<string, number>>;
};

/** A namespace with pods that are worked on, and a store. */
export type Place = {
  readonly namespace: string;
  readonly store: Store;
  readonly storeUrl: string;
  readonly worked: () => Promise<WorkerReport>;
  close(): Promise<void>;
};

export function variable(name: keyof typeof rigVariables): string {
  const value = process.env[rigVariables[name]];
  if (value === undefined) throw new Error("this runs inside a rig only");
  return value;
}

export async function openWorld(): Promise<World> {
  const folder = variable("folder");
  const kube = await connect({
    env: process.env,
    userAgent: "bench/1",
    clock: systemClock,
    random: Math.random,
    limits: { requestsPerSecond: 1000, burst: 1000 },
  });
  kubectl(["apply", "--server-side", "-f", path.join(root, "k8s/crds")]);
  const plane = ["etcd", "kube-apiserver", "kube-controller-manager"];
  return {
    kube,
    folder,
    audit: variable("audit"),
    kubeconfig: process.env["KUBECONFIG"] ?? "",
    isElsewhere: false,
    planeSeconds: () =>
      Object.fromEntries(
        [...plane, "kube-scheduler"].map((name) => {
          const pid = execFileSync("cat", [path.join(folder, "pid", name)]);
          return [name, usageOf(Number(String(pid))).cpuSeconds];
        }),
      ),
  };
}

export function kubectl(words: readonly string[], input?: string): string {
  return execFileSync("kubectl", words, {
    encoding: "utf8",
    stdio: ["pipe", "pipe", 2],
    ...(input === undefined ? {} : { input }),
  });
}

export async function openPlace({ kube }: World): Promise<Place> {
  const namespace = `bench-${Date.now().toString(36)}`;
  const directory = path.join(variable("stores"), namespace);
  mkdirSync(directory, { recursive: true });
  const storeUrl = `file://${directory}`;
  const object: KubeObject = { ...namespaces, metadata: { name: namespace } };
  const { apiVersion, kind, metadata } = object;
  await kube.create(namespaces, { apiVersion, kind, metadata });
  const worker = startLineProgram("worker", [
    process.execPath,
    path.join(root, "bench/cluster-worker.ts"),
    storeUrl,
    namespace,
  ]);
  await worker.ask("are you there?");
  await until("a service account", 30, () =>
    kubectl(["get", "serviceaccounts", "-n", namespace]).includes("default"),
  );
  return {
    namespace,
    storeUrl,
    store: openStore(storeUrl, { currentFolder: "/" }),
    worked: () => worker.ask<WorkerReport>("worked"),
    async close() {
      await worker.close();
      await kube.remove(namespaces, { name: namespace });
      await until(`${namespace} to be gone`, 300, async () => {
        const found = await kube.get(namespaces, { name: namespace });
        return found === null;
      });
    },
  };
}

/** `hueline controller` with its own defaults. */
export async function startController(
  { folder, isElsewhere }: World,
  { namespace, storeUrl }: Place,
): Promise<Program> {
  const program = startProgram(
    [
      process.execPath,
      path.join(root, "src/main.ts"),
      "controller",
      `--store=${storeUrl}`,
      `--namespace=${namespace}`,
      `--lease-namespace=${namespace}`,
      "--image=bench/worker:1",
      "--metrics-host=127.0.0.1",
      "--metrics-port=9091",
    ],
    { log: path.join(folder, "controller.log"), isElsewhere },
  );
  await until("the controller to be ready", 60, () =>
    answers(`http://${METRICS}/readyz`),
  );
  return program;
}
