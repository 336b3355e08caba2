/**
 * The whole of it, as a user meets it: the chart is installed, pipelines/tiny.yaml is submitted, every stage runs in pods of
 * a namespace that enforces `restricted`, and what is in the store at the end is what a run on one machine makes.
 */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Run } from "../../src/resources/run-resource.ts";
import { createFileStore } from "../../src/store/fs.ts";
import { openTestCluster, type TestCluster } from "../support/cluster.ts";
import { hueline } from "../support/hueline.ts";
import { fingerprintStore } from "../support/store-bytes.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

const TINY = path.resolve(import.meta.dirname, "../../pipelines/tiny.yaml");
const MINUTES = 60_000;

describe("pipelines/tiny.yaml in a cluster", () => {
  let cluster: TestCluster;
  let scratch: Awaited<ReturnType<typeof openTemporaryFolder>>;

  beforeAll(async () => {
    scratch = await openTemporaryFolder();
    cluster = await openTestCluster();
    await cluster.install();
  });
  afterAll(async () => {
    await cluster.close();
    await scratch.remove();
  });

  test(
    "ends with the bytes of a run without a cluster",
    { timeout: 20 * MINUTES },
    async () => {
      const submitted = await cluster.hueline(
        ...["submit", TINY, "--name", "tiny", "--yes", "--watch"],
      );
      expect(submitted.stderr + submitted.stdout).toContain("Succeeded");
      expect(submitted.code).toBe(0);

      const run = await cluster.get<Run>("run", "tiny");
      const tasks = run?.status?.plan?.tasks ?? 0;
      expect(tasks).toBeGreaterThan(10);
      expect(run?.status).toMatchObject({
        phase: "Succeeded",
        done: `${tasks}/${tasks}`,
        counts: { failed: 0, cached: 0, succeeded: tasks },
      });

      const local = path.join(scratch.folder, "local");
      await mkdir(local);
      const alone = await hueline(["run", TINY, "--store", local], {
        folder: scratch.folder,
      });
      expect(alone.code).toBe(0);
      const wanted = await fingerprintStore(
        createFileStore({ directory: local }),
      );
      const found = await fingerprintStore(cluster.bucket.openStore("store"));
      expect(Object.keys(wanted)).toHaveLength(tasks);
      expect(found).toEqual(wanted);
    },
  );

  test("gives its report to a pull, with every checksum verified", async () => {
    const target = path.join(scratch.folder, "pulled");
    const pulled = await cluster.hueline("pull", "tiny", target, "--cluster");
    expect(pulled.stderr).not.toContain("error");
    expect(pulled.code).toBe(0);
  });

  test("costs no Job when it is submitted again", async () => {
    const before = await cluster.list("jobs");
    const again = await cluster.hueline(
      ...["submit", TINY, "--name", "again", "--yes", "--watch"],
    );
    expect(again.code).toBe(0);
    const run = await cluster.get<Run>("run", "again");
    expect(run?.status?.reason).toContain("found in the store");
    const names = (jobs: readonly unknown[]) =>
      jobs.map((job) => (job as Run).metadata.name).sort();
    expect(names(await cluster.list("jobs"))).toEqual(names(before));
  });
});
