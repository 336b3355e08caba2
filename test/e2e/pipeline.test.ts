/**
 * The product as its user has it: the real command line, worker processes, photographs and engine. One run is shared
 * by all tests of this file; each then asks something of what it left in the store.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hueline as runHueline, type Ended } from "../support/hueline.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

const pipeline = path.join(import.meta.dirname, "small.yaml");

let folder = "";
let remove: () => Promise<void> = async () => undefined;
let first: Ended;

const hueline = (
  args: readonly string[],
  variables: Record<string, string> = {},
): Promise<Ended> => runHueline(args, { folder, variables });

beforeAll(async () => {
  ({ folder, remove } = await openTemporaryFolder());
  first = await hueline(["run", pipeline, "-o", "json"]);
}, 180_000);

afterAll(async () => {
  await remove();
});

type RunResult = {
  readonly run: string;
  readonly status: {
    readonly phase: string;
    readonly counts: { readonly total: number; readonly cached: number };
  };
  readonly reports: readonly { readonly page: string }[];
};

const resultOf = ({ stdout }: Ended) => JSON.parse(stdout) as RunResult;

test("a run computes every task and ends with the path of its report", () => {
  expect(first.stderr).not.toContain("error");
  expect(first.code).toBe(0);
  const { status, reports } = resultOf(first);
  expect(status).toMatchObject({ phase: "Succeeded", counts: { cached: 0 } });
  const page = readFileSync(reports[0]?.page ?? "", "utf8");
  expect(page).toContain("<title>Small</title>");
  expect(page).toContain("Time and cost");
});

test("the same file again finds everything in the store", async () => {
  const again = await hueline(["run", pipeline]);
  expect(again.code).toBe(0);
  const { status } = resultOf(first);
  expect(again.stdout).toContain(
    `everything was cached: ${status.counts.total} tasks`,
  );
});

test("another parameter computes only what depends on it", async () => {
  const { stdout } = await hueline([
    "plan",
    pipeline,
    "-p",
    "steps=13",
    "-o",
    "json",
  ]);
  const { stages } = JSON.parse(stdout) as {
    stages: { stage: string; tasks: number; cached: number }[];
  };
  const open = stages.filter(({ tasks, cached }) => cached < tasks);
  expect(open.map(({ stage }) => stage)).toEqual(
    expect.arrayContaining(["pretrain", "classify", "accuracy", "colors"]),
  );
  expect(open.map(({ stage }) => stage)).not.toContain("photos");
  expect(open.map(({ stage }) => stage)).not.toContain("scratch");
});

test("status and logs tell of a run that has ended", async () => {
  const { run } = resultOf(first);
  const status = await hueline(["status", "-o", "json"]);
  expect(JSON.parse(status.stdout)).toMatchObject({ run });
  const logs = await hueline(["logs", run, "pretrain"]);
  const last = logs.stdout.trimEnd().split("\n").at(-1) ?? "";
  expect(JSON.parse(last)).toMatchObject({ outcome: "committed", steps: 12 });
  // Of all tasks, each line is JSON that names its task; -f of a task that has ended ends.
  const all = await hueline(["logs", run, "-o", "json"]);
  for (const line of all.stdout.trimEnd().split("\n"))
    expect(JSON.parse(line)).toHaveProperty("task");
  const followed = await hueline(["logs", run, "pretrain", "-f"]);
  expect(followed.stdout).toBe(logs.stdout);
});

test("pull copies what sha256sum then verifies, and copies nothing twice", async () => {
  const { run } = resultOf(first);
  const pulled = await hueline(["pull", run, "pulled", "-o", "json"]);
  expect(pulled.code).toBe(0);
  const counts = JSON.parse(pulled.stdout) as { files: number; copied: number };
  expect(counts.copied).toBe(counts.files);
  const { stdout } = await promisify(execFile)(
    "sha256sum",
    ["-c", "SHA256SUMS"],
    { cwd: path.join(folder, "pulled") },
  );
  expect(stdout.trimEnd().split("\n")).toHaveLength(counts.files);
  const again = await hueline(["pull", run, "pulled", "-o", "json"]);
  expect(JSON.parse(again.stdout)).toMatchObject({ copied: 0 });
});

test("report --check fails while a claim does not hold, and names it", async () => {
  const { run } = resultOf(first);
  const checked = await hueline(["report", run, "--check"]);
  expect(checked.code).toBe(1);
  expect(checked.stdout).toContain("reads minds");
  expect(checked.stdout).not.toMatch(/fails.*finishes/);
  const linked = await hueline(["report", run, "--links", "1h"]);
  const page = readFileSync(new URL(linked.stdout.trim()), "utf8");
  expect(page).toContain("<title>Small");
  const plain = await hueline(["report", run, "--to", "copy"]);
  expect(plain.code).toBe(0);
  expect(readdirSync(path.join(folder, "copy"))).toEqual(
    expect.arrayContaining([
      "report.csv",
      "report.html",
      "report.json",
      "report.md",
    ]),
  );
});

test("data lists, verifies, previews and prints a dataset", async () => {
  const { run } = resultOf(first);
  const listed = await hueline(["data", "ls", `${run}/photos`]);
  expect(listed.stdout).toContain("400 images");
  expect(listed.stdout).toContain("airplane");
  const verified = await hueline(["data", "verify", `${run}/photos`]);
  expect(verified.code).toBe(0);
  expect(verified.stdout.match(/^ok/gm)).toHaveLength(2);
  const order = await hueline([
    "data",
    "order",
    `${run}/photos`,
    "--limit",
    "3",
    "-o",
    "json",
  ]);
  const rows = JSON.parse(order.stdout) as { name: string }[];
  expect(rows).toHaveLength(3);
  const image = await hueline([
    "data",
    "cat",
    `${run}/photos`,
    rows[0]?.name ?? "",
  ]);
  expect(image.stdout.startsWith("P6")).toBe(true);
});

test("colorize turns a picture of any size into a colour PNG", async () => {
  const { run } = resultOf(first);
  const width = 37;
  const height = 22;
  const pixels = Buffer.alloc(width * height * 3, 90);
  writeFileSync(
    path.join(folder, "gray.ppm"),
    Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]),
  );
  const colored = await hueline(["colorize", `${run}/pretrain`, "gray.ppm"]);
  expect(colored.stderr).not.toContain("error");
  expect(colored.code).toBe(0);
  const png = readFileSync(colored.stdout.trim());
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([width, height]);
});

test("a shard that lost bytes is found by verify, and by the run that reads it", async () => {
  const { run } = resultOf(first);
  const store = path.join(folder, ".hueline");
  const damaged = findFile(store, /shard-00000-of-00001\.tar$/);
  const bytes = readFileSync(damaged);
  writeFileSync(damaged, bytes.subarray(0, bytes.length - 1000));
  const verified = await hueline(["data", "verify", `${run}/test-photos`]);
  expect(verified.code).toBe(65);
  expect(verified.stdout).toMatch(/FAIL shard-00000-of-00001\.tar/);
  const broken = await hueline(["run", pipeline, "-p", "steps=13"]);
  expect(broken.code).toBe(1);
  expect(broken.stdout).toContain("shard-00000-of-00001.tar");
  writeFileSync(damaged, bytes);
  const mended = await hueline(["run", pipeline, "-p", "steps=13"]);
  expect(mended.code).toBe(0);
}, 120_000);

test("without an engine a run fails at once with the command that mends it", async () => {
  const missing = await hueline(
    ["run", pipeline, "-p", "steps=14", "--store", "elsewhere"],
    { HUELINE_ENGINE: path.join(folder, "no-engine") },
  );
  expect(missing.code).toBe(1);
  expect(missing.stdout).toContain("npm run engine");
}, 60_000);

function findFile(directory: string, pattern: RegExp): string {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  const found = names.find((name) => pattern.test(name));
  const file = path.join(directory, found ?? "");
  expect(statSync(file).isFile()).toBe(true);
  return file;
}
