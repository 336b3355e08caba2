import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { resources } from "../../../src/kube/kube.ts";
import { annotations, labels } from "../../../src/resources/labels.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { layout } from "../../../src/store/layout.ts";
import { createRun } from "../../../src/store/runs/run-records.ts";
import { writePack } from "../../../src/store/runs/run-packs.ts";
import { buildStatus, openClusterCli } from "../../support/cluster-cli.ts";
import { testNamespace } from "../../support/fake-api-server.ts";
import { commitArtifact } from "../../support/manifests.ts";
import { buildPlan, keyOf } from "../../support/plans.ts";
import { RUN_UID } from "../../support/run-objects.ts";
import { waitFor } from "../../support/wait-for.ts";

const STORE_RUN = "tiny-0a1b2c3d";
const receipt = { digest: "x", tasks: 4, cached: 0, shared: 0, peakGpus: 0 };

/** A Run with a shard task and three trainings, its records in a folder, and pods by hand. */
async function openLogs(options: { readonly isStored?: boolean } = {}) {
  const cli = await openClusterCli();
  const directory = path.join(cli.folder, "store");
  const store = createFileStore({ directory });
  const plan = buildPlan(
    {
      photos: { kind: "shard" },
      "train-0": { kind: "pretrain", stage: "train", inputs: ["photos"] },
      "train-1": { kind: "pretrain", stage: "train", inputs: ["photos"] },
      "train-2": { kind: "pretrain", stage: "train", inputs: ["photos"] },
    },
    "tiny",
  );
  const isStored = options.isStored !== false;
  if (isStored)
    await createRun(store, { run: STORE_RUN, pipelineText: "", plan });
  cli.put({
    status: buildStatus({
      store: pathToFileURL(directory).href,
      storeRun: STORE_RUN,
      plan: receipt,
    }),
  });
  const pod = (
    name: string,
    {
      task,
      pack,
      index,
      created,
      state = { running: {} },
    }: {
      readonly task?: string;
      readonly pack?: string;
      readonly index?: number;
      readonly created?: string;
      readonly state?: object;
    },
  ) =>
    cli.server.put(resources.pod, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: testNamespace,
        creationTimestamp: created ?? "2026-01-01T00:00:00Z",
        labels: {
          [labels.run]: RUN_UID,
          [labels.stage]: name.split("-")[0] ?? "",
          ...(index !== undefined && {
            "batch.kubernetes.io/job-completion-index": String(index),
          }),
        },
        annotations: {
          ...(task !== undefined && { [annotations.task]: task }),
          ...(pack !== undefined && { [annotations.pack]: pack }),
        },
      },
      status: {
        phase: "terminated" in state ? "Succeeded" : "Running",
        containerStatuses: [{ name: "worker", state }],
      },
    });
  return {
    ...cli,
    store,
    plan,
    pod,
    say(name: string, second: number, ...lines: readonly string[]) {
      const time = `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`;
      const text = lines.map((line) => `${time} ${line}\n`).join("");
      cli.server.logs.append(testNamespace, name, text);
    },
    end(name: string) {
      cli.server.logs.end(testNamespace, name);
    },
    keep: (task: string, ...lines: readonly string[]) =>
      store.append(
        layout.runLog(STORE_RUN, task),
        Buffer.from(lines.map((line) => `${line}\n`).join("")),
      ),
  };
}

const ended = { terminated: { exitCode: 0 } };

test("a task's log is its pod's, after what the store has of attempts before", async () => {
  const { hueline, pod, say, end, keep } = await openLogs();
  pod("train-0-a", { task: "train-0", state: ended });
  say("train-0-a", 1, '{"n":2}', "a library", '{"n":3}');
  end("train-0-a");
  await keep("train-0", '{"n":1}', '{"n":2}');
  const { exitCode, stdout, stderr } = await hueline([
    "logs",
    "tiny",
    "train-0",
    "--cluster",
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toBe('{"n":1}\n{"n":2}\na library\n{"n":3}\n');
});

test("the logs of a stage say whose each line is, in the order of the plan", async () => {
  const { hueline, pod, say, end, keep } = await openLogs();
  pod("train-1-a", { task: "train-1", state: ended });
  say("train-1-a", 1, '{"n":1}');
  end("train-1-a");
  await keep("train-0", '{"n":0}');
  await keep("photos", '{"n":9}');
  const { stdout } = await hueline(["logs", "tiny", "train", "--cluster"]);
  expect(stdout).toBe('[train-0] {"n":0}\n[train-1] {"n":1}\n');
});

test("tasks of a pack are named by the store", async () => {
  const { hueline, pod, say, end, plan, store } = await openLogs();
  const descriptions = ["train-0", "train-1"].map((name) => ({
    run: STORE_RUN,
    pipeline: "tiny",
    task: plan.tasks.find((task) => task.name === name),
    inputs: {},
  }));
  await writePack(store, { run: STORE_RUN, pack: "p1" }, descriptions as never);
  pod("train-1-a", { pack: "p1", index: 1, state: ended });
  say("train-1-a", 1, '{"n":1}');
  end("train-1-a");
  const { stdout } = await hueline([
    "logs",
    "tiny",
    "train-1",
    "--cluster",
    "-o",
    "json",
  ]);
  expect(stdout).toBe('{"n":1}\n');
});

test("without the store, pods that are there are shown, and what is missing is said with the reason", async () => {
  const { hueline, pod, say, end } = await openLogs({ isStored: false });
  pod("train-0-a", { task: "train-0", state: ended });
  say("train-0-a", 1, '{"n":1}');
  end("train-0-a");
  const { exitCode, stdout, stderr } = await hueline([
    "logs",
    "tiny",
    "train-0",
    "--cluster",
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).toBe('{"n":1}\n');
  expect(stderr).toContain("only pods that are still there are shown");
  expect(stderr).toContain(STORE_RUN);
});

test("a node that does not answer is told, and what the store has is shown", async () => {
  const { hueline, server, pod, keep } = await openLogs();
  pod("train-0-a", { task: "train-0" });
  await keep("train-0", '{"n":1}');
  server.faults.add({
    verb: "log",
    times: 100,
    fault: { kind: "refuse", status: 500, reason: "InternalError" },
  });
  const clock = { ...systemClock, sleep: async () => {} };
  const args = ["logs", "tiny", "train-0", "--cluster"];
  const { exitCode, stdout, stderr } = await hueline(args, { clock });
  expect(exitCode).toBe(0);
  expect(stdout).toBe('{"n":1}\n');
  expect(stderr).toContain("the log of pod 'train-0-a' cannot be read now");
});

test("-f follows a task over a pod that is lost and the attempt after it, to its end", async () => {
  const { start, server, pod, say, end, keep, store } = await openLogs();
  await keep("train-0", '{"n":0}');
  const following = start(["logs", "tiny", "train-0", "--cluster", "-f"]);
  const saw = (text: string) =>
    waitFor(text, () => following.stdout().includes(text) || null);
  await saw('{"n":0}');
  pod("train-0-a", { task: "train-0", state: { waiting: {} } });
  pod("train-0-a", { task: "train-0" });
  say("train-0-a", 1, '{"n":1}');
  await saw('{"n":1}');
  // Evicted: its last words are in the store alone.
  await keep("train-0", '{"n":1}', '{"n":2}');
  server.remove(resources.pod, "train-0-a");
  server.logs.reset();
  pod("train-0-b", { task: "train-0", created: "2026-01-01T00:01:00Z" });
  say("train-0-b", 9, '{"n":3}');
  await saw('{"n":3}');
  await commitArtifact(
    store,
    { key: keyOf("train-0") },
    { x: new Uint8Array(1) },
  );
  say("train-0-b", 10, '{"n":4}');
  pod("train-0-b", {
    task: "train-0",
    created: "2026-01-01T00:01:00Z",
    state: ended,
  });
  end("train-0-b");
  expect(await following.ended).toBe(0);
  expect(following.stdout()).toBe(
    [0, 1, 2, 3, 4].map((n) => `{"n":${n}}\n`).join(""),
  );
});

test("-f without a task ends with the Run, and shows every task", async () => {
  const { start, setStatus, pod, say, end } = await openLogs();
  const following = start(["logs", "tiny", "--cluster", "-f"]);
  for (const n of [0, 1]) {
    pod(`train-${n}-a`, { task: `train-${n}` });
    say(`train-${n}-a`, n, `{"n":${n}}`);
  }
  await waitFor(
    "both",
    () => following.stdout().split("\n").length > 2 || null,
  );
  for (const n of [0, 1]) {
    pod(`train-${n}-a`, { task: `train-${n}`, state: ended });
    end(`train-${n}-a`);
  }
  setStatus("tiny", { phase: "Succeeded" });
  expect(await following.ended).toBe(0);
  expect(following.stdout().split("\n").sort()).toEqual([
    "",
    '[train-0] {"n":0}',
    '[train-1] {"n":1}',
  ]);
});

test("-f of a task that was found in the store ends at once", async () => {
  const { hueline, store, keep } = await openLogs();
  await keep("photos", '{"n":1}');
  await commitArtifact(
    store,
    { key: keyOf("photos") },
    { x: new Uint8Array(1) },
  );
  const { exitCode, stdout } = await hueline([
    "logs",
    "tiny",
    "photos",
    "--cluster",
    "-f",
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).toBe('{"n":1}\n');
});

test("a task that there is none of is told with the stages that there are", async () => {
  const { hueline } = await openLogs();
  const { exitCode, stderr } = await hueline([
    "logs",
    "tiny",
    "tain",
    "--cluster",
  ]);
  expect(exitCode).toBe(65);
  expect(stderr).toContain("run.no-task");
  expect(stderr).toContain("photos, train");
});
