import { execFile } from "node:child_process";
import {
  chmod,
  mkdir,
  readFile,
  readdir,
  stat,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { createFileStore } from "../../src/store/fs.ts";
import { toJsonBytes } from "../../src/store/json.ts";
import { layout } from "../../src/store/layout.ts";
import { createRun } from "../../src/store/runs/run-records.ts";
import { createDestinationLock } from "../../src/cli/pull/destination-lock.ts";
import { createEnvironment, runCli } from "../support/cli.ts";
import { commitArtifact } from "../support/manifests.ts";
import { buildPlan, keyOf, type TaskSketch } from "../support/plans.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const sketches: Readonly<Record<string, TaskSketch>> = {
  photos: { kind: "shard" },
  "train-a": { kind: "pretrain", stage: "train" },
  "train-b": { kind: "pretrain", stage: "train" },
  report: { kind: "report" },
};

const weights = new Uint8Array(2000).map((_, i) => (i * 31) >> 3);
/** Of two ranges, so that a transfer can break between them. */
const large = Buffer.alloc(9 * 2 ** 20, weights);

/** A run of four tasks in a folder's store; those named are committed. */
async function createRunFolder(committed = Object.keys(sketches)) {
  const folder = await createTemporaryFolder();
  const directory = path.join(folder, ".hueline");
  const store = createFileStore({ directory });
  const plan = buildPlan(sketches, "study");
  await createRun(store, { run: "study-12345678", pipelineText: "", plan });
  const commit = (name: string) =>
    commitArtifact(
      store,
      { key: keyOf(name) },
      {
        "metrics.jsonl": new TextEncoder().encode(`{"of":"${name}"}\n`),
        ...(name === "report"
          ? { "report.html": new Uint8Array(5) }
          : { "model.safetensors": weights }),
      },
    );
  for (const name of committed) await commit(name);
  return {
    folder,
    store,
    directory,
    commit,
    pull: (...args: readonly string[]) =>
      runCli(["pull", "study", "out", ...args], { currentDirectory: folder }),
    out: (...names: readonly string[]) => path.join(folder, "out", ...names),
  };
}

async function sha256sum(folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    "sha256sum",
    ["-c", "SHA256SUMS"],
    {
      cwd: folder,
    },
  );
  return stdout;
}

test("pull copies all but datasets, and sha256sum verifies it; a second one copies nothing", async () => {
  const { pull, out } = await createRunFolder();
  const first = await pull("-o", "json", "--verify");
  expect(JSON.parse(first.stdout)).toMatchObject({
    files: 6,
    copied: 6,
    unfinishedTasks: 0,
    missing: [],
    partial: [],
  });
  expect((await sha256sum(out())).trim().split("\n")).toHaveLength(6);
  const second = await pull();
  expect(second.stdout).toContain("6 files, 0 copied (0 B)");
});

test("a folder that another pull writes into is left to it", async () => {
  const { pull, out } = await createRunFolder();
  const lock = createDestinationLock({
    environment: createEnvironment([], { currentDirectory: out() }),
    run: "other",
    folder: out(),
  });
  await lock.take();
  for (const links of [[], ["--links", "2h"]]) {
    const { exitCode, stderr } = await pull(...links);
    expect([exitCode, stderr]).toEqual([
      65,
      expect.stringContaining(`writes into '${out()}'`),
    ]);
  }
  expect(await readdir(out())).toEqual([".hueline-pull"]);
  await lock.release();
  expect((await pull()).exitCode).toBe(0);
  expect(await readdir(out())).not.toContain(".hueline-pull");
});

test("parts and tasks are pulled one by one into one list, which forgets only what is gone", async () => {
  const { pull, out } = await createRunFolder();
  await pull("--only", "weights", "--task", "train-a");
  await pull("--only", "metrics", "--task", "train*", "--task", "report");
  const sums = await readFile(out("SHA256SUMS"), "utf8");
  expect(sums.split("\n").map((line) => line.slice(66))).toEqual([
    "report/metrics.jsonl",
    "train-a/metrics.jsonl",
    "train-a/model.safetensors",
    "train-b/metrics.jsonl",
    "",
  ]);
  await sha256sum(out());
  const { rm } = await import("node:fs/promises");
  await rm(out("train-a"), { recursive: true });
  await pull("--task", "train-b", "--only", "metrics");
  expect(await readFile(out("SHA256SUMS"), "utf8")).not.toContain("train-a");
  const { exitCode, stderr } = await pull("--task", "absent");
  expect([exitCode, stderr]).toEqual([
    65,
    expect.stringContaining("train-a, train-b, report"),
  ]);
});

test("what the disk has spoiled is copied again, and nothing else", async () => {
  const { pull, out } = await createRunFolder();
  await pull();
  await writeFile(out("train-a", "metrics.jsonl"), '{"of":"train-X"}\n');
  const { stdout } = await pull("-o", "json");
  expect(JSON.parse(stdout)).toMatchObject({ copied: 1, files: 6 });
  await sha256sum(out());
});

test("of a run that goes on, what there is comes and what is missing is said", async () => {
  const { pull, commit } = await createRunFolder(["photos", "train-a"]);
  const { exitCode, stdout } = await pull();
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    "2 tasks have not finished: train-b (Pending), report (Pending); pull again",
  );
  await commit("train-b");
  const json = await pull("-o", "json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    copied: 2,
    unfinishedTasks: 1,
    missing: [{ task: "report", phase: "Pending" }],
  });
});

test("of a run without results it is said that there are none, and nothing is made", async () => {
  const { folder, pull, store, commit, out } = await createRunFolder([]);
  const nothing = await pull("--partial");
  expect(nothing.stdout).toMatch(
    /^no results to copy: no task has finished\nno task .* has a checkpoint yet\n3 tasks have not finished: train-a/,
  );
  expect(await readdir(folder)).toEqual([".hueline"]);
  await writeCheckpoint(store, keyOf("train-b"), 5);
  const partial = await pull("--partial", "-o", "json");
  expect(JSON.parse(partial.stdout)).toMatchObject({
    files: 0,
    partial: [
      { task: "train-b", step: 5, folder: "train-b/partial", files: 3 },
    ],
  });
  expect(await readdir(out("train-b", "partial"))).toHaveLength(3);
  await commit("report");
  const weightless = await pull("--only", "weights");
  expect(weightless.stdout).toContain(
    "no results to copy: what has finished has no files that belong to '--only weights'\n",
  );
});

test("--wait goes on until the last task is there", async () => {
  const { pull, commit, out } = await createRunFolder([
    "photos",
    "train-a",
    "train-b",
  ]);
  const [pulled] = await Promise.all([pull("--wait"), commit("report")]);
  expect(pulled.exitCode).toBe(0);
  expect((await stat(out("report", "report.html"))).size).toBe(5);
});

async function writeCheckpoint(
  store: ReturnType<typeof createFileStore>,
  key: string,
  step: number,
) {
  const prefix = layout.checkpoint(key, 1, step);
  const bytes = new TextEncoder().encode(`weights at ${step}`);
  await store.put(`${prefix}model.safetensors`, bytes);
  const rows = [{ step: 1, name: "loss", value: 3 }];
  await store.put(`${prefix}state.json`, toJsonBytes({ metrics: { rows } }));
  const crc = crc32(bytes).toString(16).padStart(8, "0");
  const file = {
    path: "model.safetensors",
    sizeBytes: bytes.byteLength,
    crc32: crc,
  };
  const manifest = { version: 1, key, epoch: 1, step, files: [file] };
  await store.put(`${prefix}manifest.json`, toJsonBytes(manifest));
}

test("--partial brings the newest checkpoint's weights and curves, until the result replaces them", async () => {
  const { pull, store, commit, out } = await createRunFolder(["train-a"]);
  for (const step of [5, 10])
    await writeCheckpoint(store, keyOf("train-b"), step);
  const { stdout } = await pull("--partial");
  expect(stdout).toContain(
    `train-b so far, step 10: ${out("train-b/partial")}, 3 files (96 B)`,
  );
  const partial = out("train-b", "partial");
  expect(await readFile(path.join(partial, "model.safetensors"), "utf8")).toBe(
    "weights at 10",
  );
  expect(await readFile(path.join(partial, "metrics.jsonl"), "utf8")).toBe(
    '{"step":1,"name":"loss","value":3}\n',
  );
  await commit("train-b");
  await pull("--partial");
  expect(await readdir(out("train-b"))).toEqual([
    "metrics.jsonl",
    "model.safetensors",
  ]);
});

test("--links prints a link for each file, or writes a list for a download program", async () => {
  const { folder, pull, out } = await createRunFolder();
  const printed = await runCli(
    ["pull", "study", "--links=2h", "--only", "report"],
    {
      currentDirectory: folder,
    },
  );
  const [name, url] = printed.stdout.trim().split("\t");
  expect(name).toBe("report/report.html");
  expect(await readFile(new URL(url ?? ""))).toHaveLength(5);
  expect(printed.stderr).toContain("they do not expire");
  const json = await pull("--links", "2h", "-o", "json");
  expect(JSON.parse(json.stdout)).toMatchObject({ expiresAtMs: null });
  const written = await pull("--links", "7d");
  expect(written.stdout).toMatch(/links\.txt: 6 links\n$/);
  const list = await readFile(out("links.txt"), "utf8");
  expect(list).toMatch(/^file:.*model\.safetensors\n {2}out=train-a\/model/m);
  expect(await readdir(out())).toEqual(["SHA256SUMS", "links.txt"]);
});

test("names that could leave the folder, meet, or lie where a download writes end the pull before anything is written", async () => {
  for (const { files, want } of [
    {
      files: { "a.bin": weights, "a.bin.part": weights },
      want: "'train-a/a.bin' writes there",
    },
    {
      files: { "a.part.ranges": weights, a: weights },
      want: "'train-a/a' writes there",
    },
  ]) {
    const { store, pull, folder } = await createRunFolder([]);
    await commitArtifact(store, { key: keyOf("train-a") }, files);
    const { exitCode, stderr } = await pull();
    expect(exitCode).toBe(65);
    expect(stderr).toContain(want);
    expect(await readdir(folder)).toEqual([".hueline"]);
  }
  // What the manifest's own check lets through is refused by it.
  const { store, pull, folder, directory } = await createRunFolder([]);
  const manifest = await commitArtifact(
    store,
    { key: keyOf("train-a") },
    { a: weights },
  );
  const hostile = JSON.stringify({
    ...manifest,
    files: [{ ...manifest.files[0], path: "../../../evil" }],
  });
  await writeFile(
    path.join(directory, layout.manifest(keyOf("train-a"))),
    hostile,
  );
  const { exitCode, stderr } = await pull();
  expect([exitCode, stderr]).toEqual([
    65,
    expect.stringContaining("manifest.corrupt"),
  ]);
  expect(await readdir(folder)).toEqual([".hueline"]);
});

test("a task whose name could leave the folder ends the pull, also one that has nothing yet", async () => {
  const { folder, store } = await createRunFolder([]);
  const name = "../../evil";
  await createRun(store, {
    run: "forged-12345678",
    pipelineText: "",
    plan: buildPlan({ [name]: { kind: "pretrain" } }, "forged"),
  });
  await writeCheckpoint(store, keyOf(name), 5);
  const { exitCode, stderr } = await runCli(
    ["pull", "forged", "out", "--partial"],
    { currentDirectory: folder },
  );
  expect(exitCode).toBe(65);
  expect(stderr).toContain("pull.unsafe-name");
  expect(await readdir(folder)).toEqual([".hueline"]);
});

test("a destination that is a file is one error that says so", async () => {
  const { pull, out } = await createRunFolder();
  await writeFile(out(), "mine");
  const { exitCode, stderr } = await pull();
  expect(exitCode).toBe(65);
  expect(stderr).toContain("a file stands where a folder is needed");
  expect(await readFile(out(), "utf8")).toBe("mine");
});

test("damage in the store is named, what came before it stays, and a mended store brings the rest", async () => {
  const { pull, store, directory, out } = await createRunFolder(["report"]);
  await commitArtifact(
    store,
    { key: keyOf("train-a") },
    { "model.safetensors": large },
  );
  const object = path.join(
    directory,
    layout.attempt(keyOf("train-a"), 1),
    "model.safetensors",
  );
  const damaged = Uint8Array.from(large);
  damaged[2 ** 23] = 255 - (damaged[2 ** 23] ?? 0);
  await chmod(object, 0o644);
  await writeFile(object, damaged);
  const { exitCode, stderr } = await pull();
  expect(exitCode).toBe(65);
  expect(stderr).toContain("model.safetensors' is damaged");
  expect(await readdir(out("train-a"))).not.toContain("model.safetensors");
  await writeFile(object, large);
  expect((await pull()).exitCode).toBe(0);
  await sha256sum(out());
});

test("a store that is away is one error, and nothing is written", async () => {
  const { folder } = await createRunFolder();
  await mkdir(path.join(folder, "empty"));
  const { exitCode, stderr } = await runCli(
    ["pull", "study", "out", "--store", "empty"],
    { currentDirectory: folder },
  );
  expect(exitCode).toBe(65);
  expect(stderr).toContain("run.none");
  expect(await readdir(folder)).not.toContain("out");
});
