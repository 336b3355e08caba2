/** Nodes that kwok pretends: always ready, with room for everything, and what becomes of their pods is not its business. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Kube, KubeObject } from "../../../src/kube/kube.ts";
import { resources } from "../../../src/kube/kube.ts";
import { startProgram, until, type Program } from "./processes.ts";

const COUNT = 4;
const capacity = { cpu: "4000", memory: "16Ti", pods: "5000" };

/** One of kwok's life cycles: a node becomes ready. */
const stages = `apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokConfiguration
options: { nodePlayStageParallelism: 4, podPlayStageParallelism: 16, nodeLeaseParallelism: 4 }
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: node-ready }
spec:
  resourceRef: { apiGroup: v1, kind: Node }
  selector:
    matchExpressions:
      - { key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: NotIn, values: ["True"] }
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      {{ range NodeConditions }}
      - {lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}, message: {{ .message | Quote }}, reason: {{ .reason | Quote }}, status: {{ .status | Quote }}, type: {{ .type | Quote }}}
      {{ end }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: pod-delete }
spec:
  resourceRef: { apiGroup: v1, kind: Pod }
  selector:
    matchExpressions:
      - { key: ".metadata.deletionTimestamp", operator: Exists }
  next: { delete: true }
`;

type Node = KubeObject & {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
    }[];
  };
};

export async function startNodes(options: {
  readonly kube: Kube;
  readonly kwok: string;
  readonly kubeconfig: string;
  readonly folder: string;
}): Promise<Program> {
  const { kube, kwok, kubeconfig, folder } = options;
  for (let i = 1; i <= COUNT; i++) await kube.create(resources.node, toNode(i));
  const config = path.join(folder, "stages.yaml");
  writeFileSync(config, stages);
  const program = startProgram(
    [
      kwok,
      `--kubeconfig=${kubeconfig}`,
      `--config=${config}`,
      "--manage-all-nodes=false",
      "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
      "--node-lease-duration-seconds=120",
    ],
    { log: path.join(folder, "kwok.log") },
  );
  await until("the nodes to be ready", 60, async () => {
    const { items } = await kube.list<Node>(resources.node, {});
    return items.every(({ status }) =>
      status?.conditions?.some(
        ({ type, status: is }) => type === "Ready" && is === "True",
      ),
    );
  });
  return program;
}

function toNode(number: number): KubeObject {
  const name = `fake-${number}`;
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": name },
      annotations: { "kwok.x-k8s.io/node": "fake" },
    },
    status: { capacity, allocatable: capacity },
  };
  return node;
}
