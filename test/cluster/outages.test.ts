/** What a Run stands when a part of its world goes away for a while: the store, the API server, a node, its only driver. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestCluster, type TestCluster } from "../support/cluster.ts";
import { FIRST_NODE, lab, restartApiServer, whyNoLab } from "../support/lab.ts";
import { training } from "../support/small-pipelines.ts";

const long = (name: string, limit: number) =>
  training(name, { steps: 1200, every: 100, limit });

describe("a Run", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await openTestCluster();
    await cluster.install();
  });
  afterAll(() => cluster.close());

  test("goes on after a minute without its store", async () => {
    await cluster.submit("storeless", long("storeless", 201));
    await cluster.untilCheckpoint("storeless", "train");
    await cluster.bucket.kill();
    await delay(60_000);
    await cluster.bucket.restart();
    const status = await cluster.untilRun("storeless", "Succeeded", 240_000);
    expect(status.counts).toMatchObject({ failed: 0 });
  });

  test.skipIf(whyNoLab !== null)(
    "goes on when the API server was killed and away for ten seconds",
    async () => {
      await cluster.submit("serverless", long("serverless", 202));
      const { metadata } = await cluster.untilCheckpoint("serverless", "train");
      await restartApiServer(10_000);
      const status = await cluster.untilRun("serverless", "Succeeded", 240_000);
      expect(status.counts).toMatchObject({ failed: 0 });
      const pods = await cluster.podsOf("serverless");
      const trained = pods.filter((pod) => pod.metadata.name.includes("train"));
      expect(trained.map((pod) => pod.metadata.uid)).toEqual([metadata.uid]);
    },
  );

  test("is driven by one of two controllers that do not share by leases", async () => {
    const deployment = "deployment/hueline-controller";
    const args = [
      { op: "add", path: "/spec/template/spec/containers/0/args/-" },
    ].map((change) => ({ ...change, value: "--no-leases" }));
    await cluster.kubectl(
      "patch",
      deployment,
      "--type=json",
      "-p",
      JSON.stringify(args),
    );
    await cluster.kubectl("scale", deployment, "--replicas=2");
    await cluster.kubectl("rollout", "status", deployment, "--timeout=180s");
    await cluster.submit("two", long("two", 203));
    const status = await cluster.untilRun("two", "Succeeded", 240_000);
    expect(status.counts).toMatchObject({ failed: 0 });
    const total = status.counts?.total;
    expect(await cluster.podsOf("two")).toHaveLength(total ?? 0);
    const { epoch } = await cluster.manifestOf("two", "train");
    expect(epoch).toBe(1);
  });

  test.skipIf(whyNoLab !== null)(
    "leaves a node that does not answer, and goes on from its checkpoint on another one",
    { timeout: 600_000 },
    async () => {
      await lab("node", "2");
      try {
        await cluster.kubectl("cordon", FIRST_NODE);
        await cluster.submit(
          "lost",
          training("lost", { steps: 2500, every: 100, limit: 204 }),
          { pods: { lostAfterSeconds: 30 } },
        );
        const { spec } = await cluster.untilCheckpoint("lost", "train");
        expect(spec?.nodeName).toBe("lab-node-2");
        await lab("stop-node", "2");
        await cluster.kubectl("uncordon", FIRST_NODE);
        const status = await cluster.untilRun("lost", "Succeeded", 400_000);
        expect(status.counts).toMatchObject({ failed: 0 });
        const { timing, epoch } = await cluster.manifestOf("lost", "train");
        expect(timing.resumedAtStep).toBeGreaterThan(0);
        expect(epoch).toBe(2);
      } finally {
        await cluster.kubectl("uncordon", FIRST_NODE);
        await lab("stop-node", "2");
        await cluster.kubectl(
          "delete",
          "node",
          "lab-node-2",
          "--ignore-not-found",
        );
      }
    },
  );
});
