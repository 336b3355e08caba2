/** Indexed Jobs that belong to nobody: the floor of a fan-out. */
import { randomUUID } from "node:crypto";
import type { Job } from "../../../src/executor/jobs/job.ts";
import { standardPods } from "../../../src/executor/jobs/pod-template.ts";
import { toJob } from "../../../src/executor/jobs/to-job.ts";
import { resources } from "../../../src/kube/kube.ts";
import type { Place } from "./world.ts";

/** What the controller would create, without it: the same pods, retried in the same way, that belong to nobody. */
export function sameJob(
  { namespace, storeUrl }: Pick<Place, "namespace" | "storeUrl">,
  tasks: number,
): Job {
  const names = Array.from({ length: tasks }, (_, i) => `weights-${i}`);
  const { metadata, spec } = toJob(
    {
      run: {
        apiVersion: resources.run.apiVersion,
        kind: resources.run.kind,
        metadata: { name: "fan", namespace, uid: randomUUID() },
        spec: {},
      },
      storeRun: "fan",
      settings: { ...standardPods, image: "bench/worker:1", storeUrl },
      work: {
        stage: "weights",
        attempt: 1,
        tasks: names,
        pack: null,
        resources: { cpu: 1, memoryBytes: 2 ** 30, gpu: 0 },
        timeoutMs: null,
        graceSeconds: 30,
      },
    },
    tasks,
  );
  const { ownerReferences: _, ...own } = metadata;
  const { apiVersion, kind } = resources.job;
  return { apiVersion, kind, metadata: own, spec };
}

/** The least that can be asked for. */
export function plainJob({ namespace }: Place, tasks: number) {
  const { apiVersion, kind } = resources.job;
  const container = { name: "worker", image: "x", command: ["true"] };
  return {
    apiVersion,
    kind,
    metadata: { name: "fan", namespace },
    spec: {
      completionMode: "Indexed",
      completions: tasks,
      parallelism: tasks,
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          containers: [container],
        },
      },
    },
  };
}
