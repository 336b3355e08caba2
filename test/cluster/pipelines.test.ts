/**
 * The whole of it, as a user meets it: the chart is installed, a pipeline is submitted, every stage runs in pods of a
 * namespace that enforces `restricted`, and what is in the store at the end is what a run on one machine makes. Secrets are
 * looked for in everything that came of it.
 */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Run } from "../../src/resources/run-resource.ts";
import { createFileStore } from "../../src/store/fs.ts";
import type { Store } from "../../src/store/store.ts";
import {
  openTestCluster,
  SECRET,
  type TestCluster,
} from "../support/cluster.ts";
import { hueline } from "../support/hueline.ts";
import { fingerprintStore } from "../support/store-bytes.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

const root = path.resolve(import.meta.dirname, "../..");
const MINUTES = 60_000;

describe.each([
  ["small", "test/e2e/small.yaml"],
  ["tiny", "pipelines/tiny.yaml"],
])("%s in a cluster", (name, file) => {
  const pipeline = path.join(root, file);
  const mark = `mark-${randomBytes(12).toString("hex")}`;
  let cluster: TestCluster;
  let scratch: Awaited<ReturnType<typeof openTemporaryFolder>>;

  beforeAll(async () => {
    scratch = await openTemporaryFolder();
    cluster = await openTestCluster();
    const data = { MARKED: mark };
    const change = JSON.stringify({ stringData: data });
    await cluster.kubectl("patch", "secret", SECRET, "-p", change);
    // Its pods stay until their logs have been searched.
    await cluster.install({ "controller.limits.ttlSeconds": 7200 });
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
        "submit",
        pipeline,
        "--name",
        name,
        "--yes",
        "--watch",
      );
      expect(submitted).toMatchObject({ code: 0 });

      const run = await cluster.get<Run>("run", name);
      const tasks = run?.status?.plan?.tasks ?? 0;
      expect(tasks).toBeGreaterThan(10);
      expect(run?.status).toMatchObject({
        phase: "Succeeded",
        done: `${tasks}/${tasks}`,
        counts: { failed: 0, cached: 0, succeeded: tasks },
      });

      const local = path.join(scratch.folder, "local");
      await mkdir(local);
      const alone = await hueline(["run", pipeline, "--store", local], {
        folder: scratch.folder,
      });
      expect(alone).toMatchObject({ code: 0 });
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
    const pulled = await cluster.hueline("pull", name, target, "--cluster");
    expect(pulled).toMatchObject({ code: 0 });
  });

  test("says no value of a Secret anywhere", async () => {
    const secrets = [mark, cluster.bucket.variables()["AWS_SECRET_ACCESS_KEY"]];
    const places = [
      ...(await readObjects(cluster)),
      ...(await readLogs(cluster)),
      ...(await readStore(cluster.bucket.openStore("store"))),
    ];
    expect(places.length).toBeGreaterThan(100);
    const telling = places.filter(([, text]) =>
      secrets.some((secret) => text.includes(secret ?? "")),
    );
    expect(telling.map(([where]) => where)).toEqual([]);
  });

  test("costs no Job when it is submitted again", async () => {
    const before = await cluster.list<Run>("jobs");
    const again = await cluster.hueline(
      "submit",
      pipeline,
      "--name",
      "again",
      "--yes",
      "--watch",
    );
    expect(again).toMatchObject({ code: 0 });
    const run = await cluster.get<Run>("run", "again");
    expect(run?.status?.reason).toContain("found in the store");
    const names = (jobs: readonly Run[]) =>
      jobs.map((job) => job.metadata.name).sort();
    expect(names(await cluster.list<Run>("jobs"))).toEqual(names(before));
  });
});

type Text = readonly [where: string, text: string];

/** Every object of the namespace but Secrets, by kind. */
async function readObjects(cluster: TestCluster): Promise<readonly Text[]> {
  const kinds = await cluster.kubectl(
    "api-resources",
    "--namespaced",
    "--verbs=list",
    "-o",
    "name",
  );
  const chosen = kinds.trim().split("\n");
  const readable = chosen.filter((kind) => kind !== "secrets");
  expect(readable).toEqual(
    expect.arrayContaining(["events", "pods", "runs.hueline.dev"]),
  );
  const list = await cluster.list<Run>(
    readable.join(","),
    "--show-managed-fields",
  );
  return list.map((object) => [
    `${object.kind} ${object.metadata.name}`,
    JSON.stringify(object),
  ]);
}

async function readLogs(cluster: TestCluster): Promise<readonly Text[]> {
  const texts: Text[] = [];
  for (const { metadata } of await cluster.list<Run>("pods"))
    texts.push([
      `log of ${metadata.name}`,
      await cluster.kubectl("logs", metadata.name),
    ]);
  return texts;
}

async function readStore(store: Store): Promise<readonly Text[]> {
  const texts: Text[] = [];
  for await (const { path: where } of store.list("")) {
    const bytes = await store.read(where);
    texts.push([where, Buffer.from(bytes ?? []).toString("latin1")]);
  }
  return texts;
}
