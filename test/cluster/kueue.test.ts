/** A Run with a queue: admission is Kueue's alone. We never write `suspend`, and say of each state what Kueue says. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestCluster, type TestCluster } from "../support/cluster.ts";
import {
  startKueueStandIn,
  type KueueStandIn,
} from "../support/kueue-stand-in.ts";
import { training } from "../support/small-pipelines.ts";

describe("a Run with a queue", () => {
  let cluster: TestCluster;
  let kueue: KueueStandIn;
  beforeAll(async () => {
    cluster = await openTestCluster();
    kueue = await startKueueStandIn(cluster);
    await cluster.install();
  });
  afterAll(async () => {
    await kueue.close();
    await cluster.close();
  });

  test("waits, is admitted, evicted and admitted again, and goes on from its checkpoint", async () => {
    const pipeline = training("queued", {
      steps: 1500,
      every: 100,
      limit: 501,
    });
    await cluster.submit("queued", pipeline, { queue: "research" });
    const untilSaid = (words: string) =>
      cluster.untilRun("queued", ({ reason }) => reason.includes(words));

    const part = await kueue.takeNext("queued", "no quota for cpu yet");
    expect(part.spec.suspend).toBe(true);
    await untilSaid("waits in queue 'research': no quota for cpu yet");
    await kueue.admit(part);
    await kueue.admit(await kueue.takeNext("queued", "no quota yet"));

    const job = await kueue.takeNext("queued", "no quota for gpus yet");
    expect(job.metadata.labels?.["hueline.dev/stage"]).toBe("train");
    await untilSaid("no quota for gpus yet");
    await kueue.admit(job);
    await cluster.untilCheckpoint("queued", "train");
    await kueue.evict(job, "preempted by a workload of a higher priority");
    await untilSaid("preempted by a workload of a higher priority");
    await kueue.admit(job);

    const status = await cluster.untilRun("queued", "Succeeded", 240_000);
    expect(status.counts).toMatchObject({ failed: 0 });
    const { timing } = await cluster.manifestOf("queued", "train");
    expect(timing.resumedAtStep).toBeGreaterThan(0);

    const jobs = await cluster.list<Managed>("jobs", "--show-managed-fields");
    expect(jobs).toHaveLength(3);
    for (const { metadata } of jobs)
      for (const { manager, fieldsV1 } of metadata.managedFields)
        if (JSON.stringify(fieldsV1).includes('"f:suspend"'))
          expect(manager).not.toMatch(/^hueline/);
  }, 400_000);
});

type Managed = {
  readonly metadata: {
    readonly managedFields: readonly {
      readonly manager: string;
      readonly fieldsV1: object;
    }[];
  };
};
