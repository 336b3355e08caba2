/** Upgrades and removals of the installation: Runs that run go on, and nothing is held up. */
import path from "node:path";
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import type { Run } from "../../src/resources/run-resource.ts";
import type { Schedule } from "../../src/resources/schedule-resource.ts";
import { earlierCharts } from "../support/chart.ts";
import { openTestCluster, type TestCluster } from "../support/cluster.ts";
import { packing, training } from "../support/small-pipelines.ts";

const long = (name: string, limit: number) =>
  training(name, { steps: 1500, every: 100, limit });

/** What Helm says of the release. */
type Release = { readonly revision: number; readonly chart: string };

describe("an installation of an earlier chart", async () => {
  const earlier = (await earlierCharts()).map(
    (file) => [path.basename(file, ".tgz"), file] as const,
  );
  test.each(earlier)(
    "%s that is upgraded to this one keeps running Runs running, each task in the pod that it had",
    async (name, file) => {
      const cluster = await openTestCluster();
      onTestFinished(() => cluster.close());
      await cluster.install({}, file);
      await cluster.submit("older", long("older", 404));
      const { metadata } = await cluster.untilCheckpoint("older", "train");
      await cluster.install();
      const status = await cluster.untilRun("older", "Succeeded", 400_000);
      expect(status.counts).toMatchObject({ failed: 0 });
      const pods = await cluster.podsOf("older");
      expect(pods).toHaveLength(status.counts?.total ?? 0);
      expect(pods.map((pod) => pod.metadata.uid)).toContain(metadata.uid);
      const history = JSON.parse(
        await cluster.helm("history", "hueline", "-o", "json"),
      ) as readonly Release[];
      const charts = history.map((release) => release.chart);
      expect([charts.length, charts[0]]).toEqual([2, name]);
      expect(charts[1]).not.toBe(name);
    },
    // The training has the machine's processors left by whatever else runs.
    600_000,
  );
});

describe("an installation", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await openTestCluster();
    await cluster.install();
  });
  afterAll(() => cluster.close());

  test("that is upgraded keeps running Runs running, each task in the pod that it had", async () => {
    await cluster.submit("upgraded", long("upgraded", 401));
    const { metadata } = await cluster.untilCheckpoint("upgraded", "train");
    await cluster.install({
      "controller.replicas": 2,
      "controller.workers": 4,
    });
    const status = await cluster.untilRun("upgraded", "Succeeded", 180_000);
    expect(status.counts).toMatchObject({ failed: 0 });
    const pods = await cluster.podsOf("upgraded");
    expect(pods).toHaveLength(status.counts?.total ?? 0);
    expect(pods.map((pod) => pod.metadata.uid)).toContain(metadata.uid);
  });

  test("with a Schedule makes Runs at its moments, and one that is all cached has no Job", async () => {
    const schedule = {
      apiVersion: "hueline.dev/v1alpha1",
      kind: "Schedule",
      metadata: { name: "minutely" },
      spec: {
        schedule: "* * * * *",
        concurrencyPolicy: "Forbid",
        run: { spec: { pipeline: JSON.stringify(packing("minutely", 402)) } },
      },
    };
    await cluster.apply(schedule);
    const seen = await cluster.until(
      "a Schedule that found everything in the store",
      async () => {
        const { status } =
          (await cluster.get<Schedule>("schedule", "minutely")) ?? {};
        return status?.lastResult?.includes("everything was found in the store")
          ? status
          : null;
      },
      200_000,
    );
    expect(seen.lastSuccessfulTime).toBeDefined();
    await cluster.kubectl(
      "patch",
      "schedule",
      "minutely",
      "--type=merge",
      "-p",
      '{"spec":{"suspend":true}}',
    );
    const made = await cluster.list<Run>("runs", "-l", "hueline.dev/schedule");
    const cached = made.filter(({ status }) =>
      status?.reason.includes("everything was found in the store"),
    );
    expect(cached.length).toBeGreaterThan(0);
    for (const { metadata } of cached)
      expect(await cluster.jobsOf(metadata.name)).toEqual([]);
  }, 300_000);

  test("that is removed leaves nothing that holds up the removal of its namespace", async () => {
    await cluster.submit("left", long("left", 403));
    await cluster.untilCheckpoint("left", "train");
    await cluster.helm("uninstall", "hueline", "--wait", "--timeout=60s");
    const startMs = performance.now();
    // What its training has to save is not waited for here: pods get their grace.
    await cluster.kubectl("delete", "run", "left", "--timeout=30s");
    await cluster.kubectl("delete", "namespace", cluster.namespace);
    expect(performance.now() - startMs).toBeLessThan(150_000);
  });
});
