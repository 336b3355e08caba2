/** One controller for all namespaces: Runs where they are submitted, and no right that it does not need. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubeObject } from "../../src/kube/kube.ts";
import {
  openTestCluster,
  type Place,
  type TestCluster,
} from "../support/cluster.ts";
import { packing, training } from "../support/small-pipelines.ts";

describe("a controller of the whole cluster", () => {
  let cluster: TestCluster;
  let teams: readonly [Place, Place];
  /** Where the chart has put nothing. */
  let stranger: Place;
  beforeAll(async () => {
    cluster = await openTestCluster();
    teams = [await cluster.addNamespace(), await cluster.addNamespace()];
    stranger = await cluster.addNamespace();
    const names = teams.map(({ namespace }) => namespace).join();
    await cluster.install({
      clusterWide: true,
      "workers.namespaces": `{${names}}`,
    });
  });
  afterAll(() => cluster.close());

  test("drives Runs of the same name in two namespaces at once, each with Jobs and pods of its own", async () => {
    const limits = [501, 502] as const;
    await Promise.all(
      teams.map((team, index) =>
        team.submit(
          "study",
          training("study", { steps: 20, limit: limits[index] ?? 0 }),
        ),
      ),
    );
    for (const team of teams) {
      const status = await team.untilRun("study", "Succeeded", 240_000);
      expect(status.counts).toMatchObject({ failed: 0 });
      const jobs = await team.jobsOf("study");
      expect(jobs.length).toBeGreaterThan(1);
      const pods = await team.podsOf("study");
      expect(pods).toHaveLength(status.counts?.total ?? 0);
      const accounts = await team.kubectl(
        "get",
        "pods",
        "-o",
        "jsonpath={.items[*].spec.serviceAccountName}",
      );
      expect(new Set(accounts.split(" "))).toEqual(new Set(["hueline-worker"]));
    }
  });

  test("finds in one namespace what a Run of another one has computed", async () => {
    const [first, second] = teams;
    await first.submit("shared", packing("shared", 503));
    await first.untilRun("shared", "Succeeded", 180_000);
    await second.submit("shared", packing("shared", 503));
    const { counts } = await second.untilRun("shared", "Succeeded", 60_000);
    expect(counts).toMatchObject({ cached: counts?.total });
    expect(await second.jobsOf("shared")).toEqual([]);
  });

  test("says what a namespace lacks in which a Run cannot be worked on", async () => {
    await stranger.submit("lost", packing("lost", 504));
    const { reason } = await stranger.untilRun("lost", ({ reason }) =>
      reason.includes("serviceaccount"),
    );
    expect(reason).toContain("hueline-worker");
  });

  test("keeps its Leases with itself, and may not touch those of others", async () => {
    const names = await cluster.list<KubeObject>("leases");
    expect(names.map(({ metadata }) => metadata.name)).toContain(
      "hueline-shard-0",
    );
    for (const team of teams)
      expect(await team.list<KubeObject>("leases")).toEqual([]);
    const who = `system:serviceaccount:${cluster.namespace}:hueline-controller`;
    const may = (verb: string, what: string, namespace: string) =>
      cluster
        .kubectl("auth", "can-i", verb, what, "--as", who, "-n", namespace)
        .catch(({ stdout }: { readonly stdout: string }) => stdout)
        .then((said) => said.trim());
    expect(await may("update", "leases", cluster.namespace)).toBe("yes");
    expect(await may("update", "leases", "kube-system")).toBe("no");
    expect(await may("get", "secrets", teams[0].namespace)).toBe("no");
    expect(await may("create", "jobs.batch", teams[0].namespace)).toBe("yes");
  });
});
