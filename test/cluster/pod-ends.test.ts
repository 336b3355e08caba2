/** How pods end in a cluster, one way after the other: what is tried again goes on from its checkpoint, the rest says why. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestCluster, type TestCluster } from "../support/cluster.ts";
import { packing, training } from "../support/small-pipelines.ts";

/** Long enough to be hit while it runs. */
const long = (name: string, limit: number) =>
  training(name, { steps: 1200, every: 100, limit });

describe("a pod", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await openTestCluster();
    await cluster.install({
      "controller.limits.stuckMs": 20_000,
      "controller.limits.ttlSeconds": 2,
    });
  });
  afterAll(() => cluster.close());

  const expectResumed = async (name: string): Promise<void> => {
    const status = await cluster.untilRun(name, "Succeeded", 180_000);
    expect(status.counts).toMatchObject({ failed: 0 });
    const { timing } = await cluster.manifestOf(name, "train");
    expect(timing.resumedAtStep).toBeGreaterThan(0);
  };

  test("that is deleted saves a checkpoint, and the next one goes on from it", async () => {
    await cluster.submit("deleted", long("deleted", 101));
    const { metadata } = await cluster.untilCheckpoint("deleted", "train");
    await cluster.kubectl("delete", "pod", metadata.name, "--wait=false");
    await expectResumed("deleted");
    const logs = await cluster.hueline("logs", "deleted", "train", "--cluster");
    expect(logs.stdout).toMatch(/resumed at step [1-9]/);
  });

  test("that is evicted is replaced, and counts as no failure", async () => {
    await cluster.submit("evicted", long("evicted", 102));
    const { metadata } = await cluster.untilCheckpoint("evicted", "train");
    const { name, namespace = "" } = metadata;
    await cluster.pipe(
      JSON.stringify({
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: { name, namespace },
      }),
      "create",
      "-f",
      "-",
      "--raw",
      `/api/v1/namespaces/${namespace}/pods/${name}/eviction`,
    );
    await expectResumed("evicted");
  });

  test("whose Job is deleted by hand is started again", async () => {
    await cluster.submit("jobless", long("jobless", 103));
    const { metadata } = await cluster.untilCheckpoint("jobless", "train");
    const job = metadata.labels?.["batch.kubernetes.io/job-name"] ?? "";
    await cluster.kubectl("delete", "job", job, "--wait=false");
    await expectResumed("jobless");
  });

  test("that runs out of memory fails its task with figures, once, and stays failed when its Job is gone", async () => {
    await cluster.submit(
      "oom",
      training("oom", {
        steps: 20,
        limit: 104,
        resources: { memory: "160Mi" },
      }),
    );
    const status = await cluster.untilRun("oom", "Failed");
    expect(status.reason).toMatch(
      /'train' failed: out of memory \(declared 0.2 GiB/,
    );
    await cluster.until("the end of its Jobs", async () =>
      (await cluster.jobsOf("oom")).length === 0 ? true : null,
    );
    await cluster.kubectl("annotate", "run", "oom", "example.com/touched=yes");
    await restartController(cluster);
    const after = await cluster.get<{ status: unknown }>("run", "oom");
    expect(after?.status).toEqual(status);
    expect(await cluster.jobsOf("oom")).toEqual([]);
  });

  test("that runs out of memory is tried again with memoryMax", async () => {
    await cluster.submit(
      "grows",
      training("grows", {
        steps: 20,
        limit: 105,
        resources: { memory: "160Mi", memoryMax: "1Gi" },
      }),
    );
    await cluster.untilRun("grows", "Succeeded");
    const { timing } = await cluster.manifestOf("grows", "train");
    expect(timing.peakMemoryBytes).toBeGreaterThan(160 * 2 ** 20);
  });

  test("whose image is missing fails its task with the kubelet's words, after a while", async () => {
    await cluster.submit("imageless", packing("imageless", 106), {
      pods: { image: "localhost/no-such-image:1" },
    });
    const waiting = await cluster.untilRun("imageless", ({ reason }) =>
      reason.includes("no-such-image"),
    );
    expect(waiting.phase).not.toBe("Succeeded");
    const status = await cluster.untilRun("imageless", "Failed");
    expect(status.reason).toMatch(/Image.*no-such-image/);
  });

  test("whose Secret is missing says so, and goes on when it is there", async () => {
    const secret = await cluster.get<{ data: object }>(
      "secret",
      "store-credentials",
    );
    await cluster.submit("secretless", packing("secretless", 107), {
      pods: { credentialsSecret: "comes-later" },
    });
    await cluster.untilRun("secretless", ({ reason }) =>
      reason.includes('secret "comes-later" not found'),
    );
    await cluster.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "comes-later" },
      data: secret?.data,
    });
    await cluster.untilRun("secretless", "Succeeded");
  });

  test.each([
    ["Jobs", { "count/jobs.batch": "0" }, 108],
    ["pods' memory", { "requests.memory": "1Mi" }, 109],
  ])(
    "that a quota of %s has no room for waits with the reason, and goes on when it is raised",
    async (_, hard, limit) => {
      const name = `quota-${limit}`;
      await cluster.apply({
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name },
        spec: { hard },
      });
      await cluster.submit(name, packing(name, limit));
      await cluster.untilRun(name, ({ reason }) =>
        reason.includes("exceeded quota"),
      );
      await cluster.kubectl("delete", "resourcequota", name);
      await cluster.untilRun(name, "Succeeded", 240_000);
    },
  );
});

async function restartController(cluster: TestCluster): Promise<void> {
  const deployment = "deployment/hueline-controller";
  await cluster.kubectl("rollout", "restart", deployment);
  await cluster.kubectl("rollout", "status", deployment, "--timeout=120s");
}
