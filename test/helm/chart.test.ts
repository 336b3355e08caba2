/** The chart as Helm sees it: lint, what it renders for people of different wishes, and what its schema refuses. */
import { describe, expect, test } from "vitest";
import { lintChart, renderChart } from "../support/chart.ts";
import { expectGolden } from "../support/golden.ts";

const store = { "store.url": "s3://bucket/prefix" };
const everything = {
  ...store,
  "image.digest": `sha256:${"0".repeat(64)}`,
  "imagePullSecrets[0]": "registry",
  "store.credentialsSecret": "store-credentials",
  "store.env.AWS_REGION": "eu-central-1",
  "controller.replicas": "3",
  "controller.priorityClassName": "important",
  "controller.nodeSelector.pool": "control",
  "controller.serviceAccount.annotations.cloud\\.example/role": "hueline",
  "workers.gpuResource": "amd.com/gpu",
  "metrics.serviceMonitor.enabled": "true",
  "metrics.dashboard.enabled": "true",
  clusterWide: "true",
  "workers.namespaces": "{team-a,team-b}",
};

describe("the chart", () => {
  test("has nothing that a strict lint finds", async () => {
    expect(await lintChart(store)).toContain("0 chart(s) failed");
  });

  test.each([
    ["defaults", store],
    ["everything", everything],
    [
      "bare",
      {
        ...store,
        "rbac.create": "false",
        "networkPolicy.enabled": "false",
        "controller.serviceAccount.create": "false",
        "workers.serviceAccount.create": "false",
      },
    ],
  ])("renders what is expected: %s", async (name, values) => {
    await expectGolden(`chart/${name}.yaml`, await renderChart(values));
  });

  test.each([
    ["no store", {}, "store.url is needed"],
    ["a misspelt value", { ...store, "contoller.replicas": "2" }, "contoller"],
    [
      "a misspelt value further down",
      { ...store, "controller.replica": "2" },
      "replica",
    ],
    [
      "a secret",
      { ...store, "store.env.AWS_SECRET_ACCESS_KEY": "x" },
      "AWS_SECRET_ACCESS_KEY",
    ],
    [
      "a token of a container",
      { ...store, "store.env.AWS_CONTAINER_AUTHORIZATION_TOKEN": "x" },
      "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ],
    [
      "a proxy's password",
      { ...store, "store.env.HTTPS_PROXY": "http://me:word@proxy:3128" },
      "HTTPS_PROXY",
    ],
    [
      "a variable that has nothing to do with the store",
      { ...store, "store.env.PATH": "/bin" },
      "PATH",
    ],
    [
      "namespaces of workers that no controller looks after",
      { ...store, "workers.namespaces": "{team-a}" },
      "workers.namespaces needs clusterWide",
    ],
    ["a store that is no bucket", { "store.url": "file:///tmp" }, "store/url"],
    [
      "a tag in the digest's place",
      { ...store, "image.digest": "latest" },
      "digest",
    ],
  ])("refuses %s", async (_, values, wanted) => {
    await expect(renderChart(values)).rejects.toThrow(wanted);
  });

  test("gives nobody a verb on Secrets, a wildcard, or rights outside its namespace", async () => {
    const text = await renderChart(store);
    expect(text).not.toMatch(/resources: \[.*secrets/);
    expect(text).not.toMatch(/(?:verbs|resources|apiGroups): \[.*\*/);
    expect(text).not.toContain("kind: ClusterRole");
  });
});
