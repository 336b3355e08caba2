/** Argo Workflows' controller on the same cluster; its pods are worked on like ours. */
import path from "node:path";
import type { Kube, KubeObject, KubeResource } from "../../../src/kube/kube.ts";
import { startProgram, type Program } from "./processes.ts";
import { kubectl, variable, type Place, type World } from "./world.ts";
import { setTimeout as delay } from "node:timers/promises";

const START_MS = 4000;

export const workflows = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Workflow",
  plural: "workflows",
  isNamespaced: true,
} as const satisfies KubeResource;

export type Workflow = KubeObject & {
  readonly spec: object;
  readonly status?: { readonly phase?: string; readonly message?: string };
};

/** Flags of its controller: its own defaults (20 requests a second), and far more than it can use here. */
export const argoLimits = {
  "argo-default": [],
  "argo-raised": ["--qps", "500", "--burst", "1000"],
} as const;
export type ArgoArm = keyof typeof argoLimits;

export function installArgo(): void {
  kubectl(["apply", "--server-side", "-k", variable("argoCrds")]);
  kubectl(
    ["apply", "-f", "-"],
    `apiVersion: v1
kind: Namespace
metadata: { name: argo }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: workflow-controller-configmap, namespace: argo }
data: {}
`,
  );
}

export async function startArgo(
  { folder, kubeconfig, isElsewhere }: World,
  { namespace }: Place,
  arm: ArgoArm,
): Promise<Program> {
  kubectl(
    ["apply", "-f", "-"],
    `apiVersion: v1
kind: Secret
metadata:
  name: default.service-account-token
  namespace: ${namespace}
  annotations: { kubernetes.io/service-account.name: default }
type: kubernetes.io/service-account-token
`,
  );
  const program = startProgram(
    [
      variable("argo"),
      `--kubeconfig=${kubeconfig}`,
      "--namespace=argo",
      "--executor-image=bench/argoexec:1",
      "--loglevel=warn",
      ...argoLimits[arm],
    ],
    {
      log: path.join(folder, "argo.log"),
      isElsewhere,
      env: {
        LEADER_ELECTION_DISABLE: "true",
        ARGO_PROGRESS_PATCH_TICK_DURATION: "0",
      },
    },
  );
  // It has no probe that says that its caches are filled.
  await delay(START_MS);
  return program;
}

const leaf = { name: "leaf", container: { image: "x", command: ["true"] } };

export function fanWorkflow(name: string, tasks: number): KubeObject {
  const step = {
    name: "t",
    template: "leaf",
    withSequence: { count: String(tasks) },
  };
  return toWorkflow(name, { name: "main", steps: [[step]] });
}

function toWorkflow(name: string, main: object): KubeObject {
  const spec = { entrypoint: "main", templates: [main, leaf] };
  const { apiVersion, kind } = workflows;
  const workflow = { apiVersion, kind, metadata: { name }, spec };
  return workflow;
}

export async function submitWorkflow(
  kube: Kube,
  { namespace }: Place,
  workflow: KubeObject,
): Promise<void> {
  const metadata = { ...workflow.metadata, namespace };
  await kube.create(workflows, { ...workflow, metadata });
}
