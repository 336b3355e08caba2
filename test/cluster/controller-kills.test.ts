/**
 * The controller dies twenty times at random while a pipeline runs: by SIGKILL, as a machine without memory kills, and by
 * the removal of its pod without a grace period. Nothing is lost, nothing is computed twice, and the bytes are the same.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uniform } from "../../src/base/random.ts";
import type { Pod } from "../../src/executor/jobs/job.ts";
import { createFileStore } from "../../src/store/fs.ts";
import { readManifest } from "../../src/store/artifacts/manifest.ts";
import { indexOf } from "../../src/executor/jobs/observe-jobs.ts";
import { openTestCluster, type TestCluster } from "../support/cluster.ts";
import { hueline } from "../support/hueline.ts";
import { killProcesses, whyNoLab } from "../support/lab.ts";
import { fingerprintStore } from "../support/store-bytes.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

const pipeline = path.resolve(import.meta.dirname, "../e2e/small.yaml");
const KILLS = 20;

describe.skipIf(whyNoLab !== null)("a controller that is killed", () => {
  let cluster: TestCluster;
  let scratch: Awaited<ReturnType<typeof openTemporaryFolder>>;
  beforeAll(async () => {
    scratch = await openTemporaryFolder();
    cluster = await openTestCluster();
    await cluster.install({
      "controller.limits.durationMs": 4000,
      "controller.limits.roundMs": 1000,
    });
  });
  afterAll(async () => {
    await cluster.close();
    await scratch.remove();
  });

  test(
    "twenty times loses nothing and computes nothing twice",
    { timeout: 600_000 },
    async () => {
      await cluster.submit("killed", await readFile(pipeline, "utf8"));
      let kills = 0;
      for (; kills < KILLS; kills++) {
        await delay(1000 + uniform(kills) * 6000);
        await (kills % 2 === 0 ? killProcess(cluster) : removePod(cluster));
      }
      const status = await cluster.untilRun("killed", "Succeeded", 300_000);
      expect(status.counts).toMatchObject({ failed: 0, cached: 0 });

      // Each task in one pod, and each result at the first try.
      const perTask = new Map<string, number>();
      for (const pod of await cluster.podsOf("killed")) {
        const job = pod.metadata.labels?.["batch.kubernetes.io/job-name"];
        const task = `${job}/${indexOf(pod)}`;
        perTask.set(task, (perTask.get(task) ?? 0) + 1);
      }
      expect(perTask.size).toBe(status.counts?.total);
      expect([...perTask].filter(([, pods]) => pods !== 1)).toEqual([]);
      const store = cluster.bucket.openStore("store");
      for (const key of await store.listFolders("cas/"))
        expect(await readManifest(store, key)).toMatchObject({ epoch: 1 });

      const local = createFileStore({ directory: scratch.folder });
      const alone = await hueline(
        ["run", pipeline, "--store", scratch.folder],
        { folder: scratch.folder },
      );
      expect(alone).toMatchObject({ code: 0 });
      expect(await fingerprintStore(store)).toEqual(
        await fingerprintStore(local),
      );
    },
  );
});

/** The newest pod that is not being removed; null: there is none. */
async function findPod(cluster: TestCluster): Promise<Pod | null> {
  const pods = await cluster.list<Pod>(
    ...(["pods", "-l", "app.kubernetes.io/component=controller"] as const),
  );
  return (
    pods.find(({ metadata }) => metadata.deletionTimestamp === undefined) ??
    null
  );
}

async function removePod(cluster: TestCluster): Promise<void> {
  const pod = await findPod(cluster);
  if (pod === null) return;
  await cluster.kubectl(
    "delete",
    "pod",
    pod.metadata.name,
    "--grace-period=0",
    "--force",
    "--ignore-not-found",
  );
}

async function killProcess(cluster: TestCluster): Promise<void> {
  const uid = (await findPod(cluster))?.metadata.uid;
  if (uid !== undefined) await killProcesses(uid);
}
