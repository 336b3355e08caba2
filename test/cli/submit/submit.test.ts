/** `hueline submit` against the controller itself, with a pretended API server and kubelet. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { resources } from "../../../src/kube/kube.ts";
import type { Run } from "../../../src/resources/run-resource.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { openClusterCli, type ClusterCli } from "../../support/cluster-cli.ts";
import {
  openControllerWorld,
  smallPipeline,
} from "../../support/controller-world.ts";
import { testNamespace } from "../../support/fake-api-server.ts";
import { waitFor } from "../../support/wait-for.ts";

async function openSubmit(pipeline = smallPipeline) {
  const world = await openControllerWorld();
  await world.start();
  const cli = await openClusterCli({ server: world.server });
  await writePipeline(cli, pipeline);
  return { ...cli, world };
}

async function writePipeline({ folder }: ClusterCli, text: string) {
  await writeFile(path.join(folder, "small.yaml"), text);
}

const submit = ["submit", "small.yaml"];

test("with --yes a Run is planned, its receipt is shown, and it starts", async () => {
  const { hueline, world } = await openSubmit();
  const { exitCode, stdout } = await hueline([
    ...submit,
    "--name",
    "small",
    "--yes",
    "--ttl",
    "1h",
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("team/small\n");
  expect(stdout).toContain(
    "6: 0 found in the store, 0 computed by others now, 6 to compute",
  );
  expect(stdout).toContain("Run 'small' is started");
  const run = await world.phase("small", "Succeeded");
  expect(run.spec).toMatchObject({
    pipeline: smallPipeline,
    suspend: false,
    ttlSecondsAfterFinished: 3600,
  });
});

test("with --watch it is followed to its end, with the exit code of run", async () => {
  const { hueline } = await openSubmit();
  const watched = await hueline([...submit, "--name", "one", "--yes", "-w"]);
  expect(watched.exitCode).toBe(0);
  expect(watched.stderr).toContain("pretrain 3/3 done");
  expect(watched.stdout).toContain("one  Succeeded: 6 of 6 tasks done");
  const again = await hueline([...submit, "--name", "two", "--yes", "-w"]);
  expect(again.exitCode).toBe(0);
  expect(again.stdout).toContain("6, all found in the store");
});

test("a Run that nobody names gets a name of its pipeline's, of which there can be many", async () => {
  const { hueline, world } = await openSubmit();
  await hueline([...submit, "--yes", "-o", "json"]);
  const second = await hueline([...submit, "--yes", "-o", "json"]);
  const { run } = JSON.parse(second.stdout) as { readonly run: string };
  expect(run).toMatch(/^small-[0-9a-z]{5}$/);
  expect(world.server.list(resources.run)).toHaveLength(2);
});

test.each([
  { answer: "y", wantCode: 0, wantRuns: 1 },
  { answer: "", wantCode: 64, wantRuns: 0 },
  { answer: "no", wantCode: 64, wantRuns: 0 },
])(
  "who answers '$answer' to its receipt leaves $wantRuns Runs",
  async ({ answer, wantCode, wantRuns }) => {
    const { hueline, world } = await openSubmit();
    const { exitCode, stderr } = await hueline(submit, { answer });
    expect(exitCode).toBe(wantCode);
    expect(world.server.list(resources.run)).toHaveLength(wantRuns);
    if (wantRuns === 0) expect(stderr).toContain("was removed again");
  },
);

test("without a terminal and without --yes nothing starts, and the Run goes again", async () => {
  const { hueline, world } = await openSubmit();
  const { exitCode, stdout, stderr } = await hueline(submit);
  expect(exitCode).toBe(64);
  expect(stdout).toContain("6 to compute");
  expect(stderr).toContain("give --yes");
  expect(world.server.list(resources.run)).toEqual([]);
  expect(world.server.list(resources.job)).toEqual([]);
});

test("mistakes of the file are all shown, and nothing is sent", async () => {
  const { hueline, world } = await openSubmit(
    smallPipeline
      .replace("kind: pretrain", "kind: pretrane")
      .replace("format: image-folder", "format: image-fodler"),
  );
  world.pauseKubelet(true);
  const before = world.server.list(resources.run).length;
  const { exitCode, stderr } = await hueline([...submit, "--yes"]);
  expect(exitCode).toBe(65);
  expect(stderr).toMatch(/small\.yaml:\d+:\d+:.*pretrane/);
  expect(stderr).toMatch(/small\.yaml:\d+:\d+:.*image-fodler/);
  expect(world.server.list(resources.run)).toHaveLength(before);
});

test("what the controller cannot plan is told in its words, and the Run goes again", async () => {
  const { hueline, world } = await openSubmit(
    smallPipeline.replace("s3://bucket/photos", "/home/ada/photos"),
  );
  const { exitCode, stderr } = await hueline([...submit, "--yes"]);
  expect(exitCode).toBe(65);
  expect(stderr).toContain("hueline data push");
  expect(world.server.list(resources.run)).toEqual([]);
});

test("where no controller answers, that is said with how to look for one, and nothing is left", async () => {
  const cli = await openClusterCli();
  await writePipeline(cli, smallPipeline);
  const { exitCode, stderr } = await cli.hueline([
    ...submit,
    "--yes",
    "--answer-within",
    "100ms",
  ]);
  expect(exitCode).toBe(65);
  expect(stderr).toContain("submit.no-controller");
  expect(stderr).toContain("app.kubernetes.io/name=hueline");
  expect(cli.server.list(resources.run)).toEqual([]);
});

test("who is stopped while the Run is planned leaves nothing", async () => {
  const cli = await openClusterCli();
  await writePipeline(cli, smallPipeline);
  const submitting = cli.start([...submit, "--yes"]);
  await waitFor("a watch", () => cli.server.watches.open > 0 || null);
  submitting.stop();
  expect(await submitting.ended).toBe(143);
  expect(submitting.stderr()).toContain("was removed again");
  expect(cli.server.list(resources.run)).toEqual([]);
});

test("a dry run lets the server check the Run, and keeps nothing", async () => {
  const cli = await openClusterCli();
  await writePipeline(cli, smallPipeline);
  const { exitCode, stdout } = await cli.hueline([
    ...submit,
    "--name",
    "small",
    "--dry-run",
    "-o",
    "json",
    "--queue",
    "gpus",
    "--priority",
    "high",
    "--image",
    "own:1",
    "--gpu-resource",
    "example.com/gpu",
    "--credentials-secret",
    "s3",
    "--store",
    "s3://bucket/own",
    "--budget-gpu-hours",
    "2.5",
  ]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    kind: "Run",
    metadata: { name: "small", namespace: testNamespace },
    spec: {
      suspend: true,
      queue: "gpus",
      priority: "high",
      store: "s3://bucket/own",
      budget: { gpuHours: 2.5 },
      pods: {
        image: "own:1",
        gpuResource: "example.com/gpu",
        credentialsSecret: "s3",
      },
    },
  });
  expect(cli.server.list(resources.run)).toEqual([]);
});

test.each(["Upper", "with.dot", "x".repeat(53)])(
  "the name %s is refused before anything is sent",
  async (name) => {
    const cli = await openClusterCli();
    await writePipeline(cli, smallPipeline);
    const { exitCode, stderr } = await cli.hueline([...submit, "--name", name]);
    expect(exitCode).toBe(64);
    expect(stderr).toContain("at most 52");
    expect(cli.server.requests).toEqual([]);
  },
);

test("a file that no object can hold goes by way of the store, under its hash", async () => {
  const cli = await openClusterCli();
  const large = `${smallPipeline}\n# ${"x".repeat(300 * 1024)}\n`;
  await writePipeline(cli, large);
  const without = await cli.hueline([...submit, "--dry-run"]);
  expect(without.exitCode).toBe(64);
  expect(without.stderr).toContain("--store");
  const args = [...submit, "--name", "large", "--answer-within", "50ms"];
  await cli.hueline([...args, "--store", "store"]);
  const sent = cli.server.requests.findLast(({ verb }) => verb === "create");
  const { spec } = (sent?.body ?? {}) as Partial<Run>;
  const { path: at = "", sha256 } = spec?.pipelineFrom ?? {};
  expect(at).toBe(`pipelines/${sha256}.yaml`);
  const directory = path.join(cli.folder, "store");
  const bytes = await createFileStore({ directory }).read(at);
  expect(Buffer.from(bytes ?? []).toString()).toBe(large);
});
