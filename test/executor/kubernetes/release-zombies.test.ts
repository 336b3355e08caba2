/** Pods that do not end, and that a Job's finalizer holds. */
import { expect, it } from "vitest";
import { silentLogger } from "../../../src/base/log.ts";
import type { Pod } from "../../../src/executor/jobs/job.ts";
import { releaseZombies } from "../../../src/executor/kubernetes/release-zombies.ts";
import { resources } from "../../../src/kube/kube.ts";
import { testNamespace } from "../../support/fake-api-server.ts";
import { openKube } from "../../support/kube.ts";

const DELETED_MS = Date.parse("2026-01-31T12:00:00Z");

function buildPod(name: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: testNamespace,
      uid: `uid-${name}`,
      deletionTimestamp: new Date(DELETED_MS).toISOString(),
      finalizers: ["batch.kubernetes.io/job-tracking"],
    },
    spec: { nodeName: "node-1" },
    status: {
      phase: "Running",
      conditions: [
        { type: "PodScheduled", status: "True" },
        { type: "DisruptionTarget", status: "True", reason: "Other" },
      ],
    },
  };
}

it("says of a pod that does not end that its node took it, once its time is over, so that its Job lets it go", async () => {
  const { server, kube } = await openKube();
  const name = { namespace: testNamespace, name: "late" };
  server.put(resources.pod, buildPod("late"));
  const releaseAt = async (nowMs: number): Promise<Pod | null> => {
    const pod = await kube.get<Pod>(resources.pod, name);
    const options = { kube, log: silentLogger, lostAfterSeconds: 60, nowMs };
    await releaseZombies(pod === null ? [] : [pod], options);
    return await kube.get<Pod>(resources.pod, name);
  };
  expect((await releaseAt(DELETED_MS + 59_000))?.status?.phase).toBe("Running");
  expect((await releaseAt(DELETED_MS + 60_000))?.status).toMatchObject({
    phase: "Failed",
    conditions: [
      { type: "PodScheduled" },
      {
        type: "DisruptionTarget",
        status: "True",
        reason: "DeletionByTaintManager",
        message: "node node-1 does not answer",
      },
    ],
  });
});
