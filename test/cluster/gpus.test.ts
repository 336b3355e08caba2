/**
 * A made-up extended resource stands for GPUs, as a device plugin would report it: one of it on the node, two Runs that
 * want it. The second waits with the scheduler's reason; one of a higher priority class takes it, and who had it goes on
 * from its checkpoint later.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestCluster, type TestCluster } from "../support/cluster.ts";
import { FIRST_NODE, whyNoLab } from "../support/lab.ts";
import { training } from "../support/small-pipelines.ts";

const GPU = "example.com/gpu";

/** `~1`: a slash in a JSON pointer (RFC 6901). */
const pointer = `/status/capacity/${GPU.replace("/", "~1")}`;

const onGpu = (name: string, limit: number, steps: number) =>
  training(name, { steps, every: 100, limit, resources: { gpu: 1 } });

describe.skipIf(whyNoLab !== null)("a node with one GPU", () => {
  let cluster: TestCluster;
  const urgent = () => `urgent-${cluster.namespace}`;
  const patchNode = (change: object) =>
    cluster.kubectl(
      "patch",
      "node",
      FIRST_NODE,
      "--subresource=status",
      "--type=json",
      "-p",
      JSON.stringify([{ path: pointer, ...change }]),
    );
  beforeAll(async () => {
    cluster = await openTestCluster();
    await cluster.install({ "workers.gpuResource": GPU });
    await patchNode({ op: "add", value: "1" });
    await cluster.apply({
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name: urgent() },
      value: 1000,
    });
  });
  afterAll(async () => {
    await patchNode({ op: "remove" });
    await cluster.kubectl("delete", "priorityclass", urgent());
    await cluster.close();
  });

  test("is had by one Run, waited for by the next, and taken by one of a higher priority", async () => {
    await cluster.submit("first", onGpu("first", 301, 2000));
    await cluster.untilCheckpoint("first", "train");

    await cluster.submit("second", onGpu("second", 302, 10));
    const waiting = await cluster.untilRun("second", ({ reason }) =>
      reason.includes(`Insufficient ${GPU}`),
    );
    expect(waiting.plan).toMatchObject({ peakGpus: 1 });

    await cluster.submit("urgent", onGpu("urgent", 303, 10), {
      priority: urgent(),
    });
    await cluster.untilRun("urgent", "Succeeded", 180_000);
    expect((await cluster.get<RunLike>("run", "first"))?.status.phase).not.toBe(
      "Succeeded",
    );

    const first = await cluster.untilRun("first", "Succeeded", 240_000);
    expect(first.counts).toMatchObject({ failed: 0 });
    const { timing } = await cluster.manifestOf("first", "train");
    expect(timing.resumedAtStep).toBeGreaterThan(0);
    await cluster.untilRun("second", "Succeeded", 180_000);
  }, 600_000);
});

type RunLike = { readonly status: { readonly phase: string } };
