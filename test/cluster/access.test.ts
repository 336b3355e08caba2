/** Who may do what, by the API server's own word; that it takes every manifest and sample; what of a Run is frozen. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestCluster, type TestCluster } from "../support/cluster.ts";
import { packing } from "../support/small-pipelines.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** `verb resource`, with the group after a dot. */
const may = {
  controller: [
    "list runs.hueline.dev",
    "patch runs.hueline.dev/status",
    "create runs.hueline.dev",
    "watch schedules.hueline.dev",
    "create jobs.batch",
    "delete jobs.batch",
    "delete pods",
    "patch pods/status",
    "patch schedules.hueline.dev/status",
    "create events",
    "update leases.coordination.k8s.io",
    "list resourcequotas",
  ],
  worker: [],
  editor: [
    "create runs.hueline.dev",
    "patch schedules.hueline.dev",
    "delete runs.hueline.dev",
    "get pods/log",
    "list events",
    "watch jobs.batch",
  ],
  viewer: ["list runs.hueline.dev", "get pods/log", "list events"],
} as const;

const mayNot = {
  controller: [
    "get secrets",
    "list secrets",
    "get configmaps",
    "create pods",
    "create pods/exec",
    "patch runs.hueline.dev",
    "update runs.hueline.dev/status",
    "patch pods",
    "patch events",
    "create rolebindings.rbac.authorization.k8s.io",
    "update deployments.apps",
    "list nodes",
  ],
  worker: [
    "get secrets",
    "get pods",
    "list jobs.batch",
    "get runs.hueline.dev",
    "create events",
  ],
  editor: [
    "get secrets",
    "create pods",
    "create pods/exec",
    "create jobs.batch",
    "delete pods",
    "patch runs.hueline.dev/status",
  ],
  viewer: [
    "get secrets",
    "create runs.hueline.dev",
    "patch runs.hueline.dev",
    "delete runs.hueline.dev",
    "delete pods",
  ],
} as const;

type Who = keyof typeof may;

describe("access to the cluster", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await openTestCluster();
    await cluster.install();
  });
  afterAll(() => cluster.close());

  test.each(Object.keys(may) as readonly Who[])(
    "is no more and no less than what is needed: %s",
    async (who) => {
      if (who === "editor" || who === "viewer")
        await cluster.kubectl(
          "create",
          "rolebinding",
          who,
          `--user=${who}`,
          `--role=hueline-${who}`,
        );
      const asked = [...may[who], ...mayNot[who]];
      const answers = await Promise.all(
        asked.map(async (what) => {
          const [verb = "", resource = "", part] = what.split(/[ /]/);
          const words = ["auth", "can-i", verb, resource];
          if (part !== undefined) words.push(`--subresource=${part}`);
          const said = await cluster
            .kubectl(...words, "--as", nameOf(who, cluster))
            .catch((thrown: { readonly stdout: string }) => thrown.stdout);
          return [what, said.trim()] as const;
        }),
      );
      const wanted = asked.map((what) => [
        what,
        (may[who] as readonly string[]).includes(what) ? "yes" : "no",
      ]);
      expect(answers).toEqual(wanted);
    },
  );

  test("the API server takes every manifest and every sample as it is", async () => {
    const samples = await readdir(path.join(root, "k8s/samples"));
    const files = samples
      // Kueue owns the kinds of this one.
      .filter((file) => file !== "kueue-queues.yaml")
      .map((file) => path.join(root, "k8s/samples", file));
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const said = await cluster.kubectl(
        "create",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        file,
      );
      expect(said).toContain("server dry run");
    }
    await cluster.kubectl(
      "apply",
      "--dry-run=server",
      "--validate=strict",
      "-f",
      path.join(root, "k8s/crds"),
    );
    // Its own namespace is not there, in which it would lie.
    const text = await cluster.kubectl("kustomize", path.join(root, "k8s"));
    const here = text.replaceAll(
      "namespace: hueline",
      `namespace: ${cluster.namespace}`,
    );
    const said = await cluster.pipe(
      here,
      "apply",
      "--dry-run=server",
      "-f",
      "-",
    );
    expect(said).toContain("deployment.apps/hueline-controller");
  });

  test("a Run's pipeline is frozen, and what people steer it by is not", async () => {
    await cluster.submit("frozen", packing("frozen", 10), { suspend: true });
    const patch = (spec: object) =>
      cluster.kubectl(
        "patch",
        "run",
        "frozen",
        "--type=merge",
        "-p",
        JSON.stringify({ spec }),
      );
    await expect(patch({ pipeline: "name: other" })).rejects.toThrow(
      "pipeline cannot be changed",
    );
    await expect(patch({ pods: { image: "other" } })).rejects.toThrow(
      "pods cannot be changed",
    );
    await expect(patch({ queue: "q" })).rejects.toThrow(
      "queue cannot be changed",
    );
    expect(await patch({ parallelism: 2, budget: { gpuHours: 1 } })).toContain(
      "patched",
    );
    await expect(
      cluster.submit("both", packing("both", 10), {
        queue: "q",
        parallelism: 2,
      }),
    ).rejects.toThrow("exclude each other");
  });
});

function nameOf(who: Who, { namespace }: TestCluster): string {
  return who === "editor" || who === "viewer"
    ? who
    : `system:serviceaccount:${namespace}:hueline-${who}`;
}
