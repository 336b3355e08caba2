import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { resources } from "../../../src/kube/kube.ts";
import { buildStatus, openClusterCli } from "../../support/cluster-cli.ts";
import { waitFor } from "../../support/wait-for.ts";

test("without a name, the Runs of the namespace are listed as kubectl lists them, by one request", async () => {
  const { hueline, put, server } = await openClusterCli();
  put({ name: "old", createdAt: "2026-01-01T00:00:00Z", uid: "u-1" });
  put({
    name: "new",
    createdAt: "2026-01-02T00:00:00Z",
    uid: "u-2",
    spec: { queue: "gpus" },
    status: buildStatus(),
  });
  const { exitCode, stdout, stderr } = await hueline(["status", "--cluster"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const [titles, first, second] = stdout.split("\n");
  expect(titles?.split(/\s{2,}/)).toEqual([
    "NAME",
    "PHASE",
    "DONE",
    "FAILED",
    "CACHED",
    "GPU-H",
    "QUEUE",
    "REASON",
    "AGE",
  ]);
  expect(first).toMatch(/^new +Running +1\/4 +0 +1 +1\.5 +gpus +1 of 4 tasks/);
  expect(second).toMatch(/^old/);
  expect(server.requests).toHaveLength(1);
});

test("a Run is shown with its stages, what waits and why, and where its results are, by one request", async () => {
  const { hueline, put, server } = await openClusterCli();
  const waiting = {
    task: "train-2",
    phase: "Pending",
    reason: "0/3 nodes are available: 3 Insufficient nvidia.com/gpu",
    attempts: 1,
  };
  put({
    spec: { budget: { gpuHours: 100 }, queue: "gpus" },
    status: buildStatus({
      notes: [waiting],
      store: "s3://bucket/study",
      storeRun: "tiny-0a1b2c3d",
      conditions: [
        {
          type: "Degraded",
          status: "True",
          reason: "QuotaExceeded",
          message: "exceeded quota: pods=2",
          lastTransitionTime: "2026-01-01T00:00:20Z",
          observedGeneration: 1,
        },
      ],
    }),
  });
  const { exitCode, stdout } = await hueline(["status", "tiny", "--cluster"]);
  expect(exitCode).toBe(0);
  for (const want of [
    "tiny  Running: 1 of 4 tasks done, 2 running",
    "1/4 done, 1 cached, 2 running, 0 failed\n",
    "train    pretrain",
    "pending   train-2: 0/3 nodes are available",
    "attention   exceeded quota: pods=2",
    "GPU-hours   1.5 of 100",
    "queue       gpus",
    "store       s3://bucket/study, run tiny-0a1b2c3d",
  ])
    expect(stdout).toContain(want);
  expect(server.requests.map(({ verb }) => verb)).toEqual(["get"]);
});

test.each([
  { args: ["--cluster"], variables: {} },
  { args: ["--namespace", "team"], variables: {} },
  { args: ["--context", "fake"], variables: {} },
  { args: [], variables: { HUELINE_CLUSTER: "1" } },
])("$args and $variables mean the cluster", async ({ args, variables }) => {
  const { hueline, put } = await openClusterCli();
  put();
  const { stdout } = await hueline(["status", ...args], { variables });
  expect(stdout).toMatch(/^tiny /m);
});

test.each(["", "0", "false"])(
  "HUELINE_CLUSTER=%s means this machine",
  async (value) => {
    const { hueline, server } = await openClusterCli();
    const variables = { HUELINE_CLUSTER: value };
    await hueline(["status"], { variables });
    expect(server.requests).toEqual([]);
  },
);

test("JSON has the status as the controller wrote it", async () => {
  const { hueline, put } = await openClusterCli();
  put({ status: buildStatus() });
  const { stdout } = await hueline([
    "status",
    "tiny",
    "--cluster",
    "-o",
    "json",
  ]);
  expect(JSON.parse(stdout)).toMatchObject({
    run: "tiny",
    namespace: "team",
    suspend: false,
    phase: "Running",
    counts: { total: 4, running: 2 },
  });
});

test("a Run is found by the beginning of its name, and by its id in the store", async () => {
  const { hueline, put } = await openClusterCli();
  put({ name: "study-x1" });
  put({ name: "other", uid: "ffffffff-0000-0000-0000-000000000000" });
  for (const given of ["study", "other-ffffffff"]) {
    const { exitCode } = await hueline(["status", given, "--cluster"]);
    expect(exitCode).toBe(0);
  }
});

test("a name that fits no Run or many is told with those that there are", async () => {
  const { hueline, put } = await openClusterCli();
  const none = await hueline(["status", "tiny", "--cluster"]);
  expect(none).toMatchObject({ exitCode: 65 });
  expect(none.stderr).toContain("there is no Run in namespace 'team'");
  put({ name: "study-x1" });
  put({ name: "study-x2", uid: "other" });
  const unknown = await hueline(["status", "tiny", "--cluster"]);
  expect(unknown.stderr).toContain("run.unknown");
  const many = await hueline(["status", "study", "--cluster"]);
  expect(many.stderr).toContain("the beginning of 2 Runs: study-x1, study-x2");
});

test.each([
  { phase: "Succeeded", wantCode: 0 },
  { phase: "Failed", wantCode: 1 },
  { phase: "Cancelled", wantCode: 1 },
] as const)(
  "--watch ends with $wantCode when the Run is $phase, over a watch that broke",
  async ({ phase, wantCode }) => {
    const { start, put, setStatus, server } = await openClusterCli();
    put({ status: buildStatus() });
    const watching = start(["status", "tiny", "--cluster", "-w"]);
    await waitFor("the first status", () =>
      server.watches.open > 0 && watching.stderr().includes("Running")
        ? true
        : null,
    );
    server.watches.reset();
    await waitFor("another watch", () => server.watches.open > 0 || null);
    const note = {
      task: "train-1",
      phase: "Failed",
      reason: "out of memory: 8Gi",
      attempts: 2,
    };
    setStatus("tiny", { notes: [note] });
    await waitFor(
      "the failure",
      () => watching.stderr().includes("train-1 failed: out of memory") || null,
    );
    setStatus("tiny", { phase, reason: "this is the end" });
    expect(await watching.ended).toBe(wantCode);
    expect(watching.stdout()).toContain(`tiny  ${phase}: this is the end`);
    const lists = server.requests.filter(({ verb }) => verb === "list");
    expect(lists).toHaveLength(1);
  },
);

test("who watches and is told to stop leaves the Run alone", async () => {
  const { start, put, run } = await openClusterCli();
  put({ status: buildStatus() });
  const watching = start(["status", "tiny", "--cluster", "-w"]);
  await waitFor("its status", () => watching.stderr() || null);
  watching.stop();
  expect(await watching.ended).toBe(143);
  expect(watching.stderr()).toContain("the Run 'tiny' goes on");
  expect(run("tiny")?.spec).toEqual({ pipeline: "name: tiny\n" });
});

test("a Run that is removed while it is watched is told as that", async () => {
  const { start, put, server } = await openClusterCli();
  put({ status: buildStatus() });
  const watching = start(["status", "tiny", "--cluster", "-w"]);
  await waitFor("its status", () => watching.stderr() || null);
  server.remove(resources.run, "tiny");
  expect(await watching.ended).toBe(65);
  expect(watching.stderr()).toContain("run.deleted");
});

test("--watch without a name writes a line for each Run that has changed", async () => {
  const { start, put, setStatus } = await openClusterCli();
  put({ status: buildStatus() });
  const watching = start(["status", "--cluster", "-w"]);
  await waitFor("the first", () => watching.stdout().includes("1/4") || null);
  setStatus("tiny", { done: "2/4", reason: "2 of 4" });
  await waitFor("the news", () => watching.stdout().includes("2/4") || null);
  watching.stop();
  expect(await watching.ended).toBe(0);
  expect(watching.stdout().split("\n")).toContain("tiny  Running  2/4  2 of 4");
});

test("a cluster without hueline is told as that, with the way to install it", async () => {
  const { hueline, server } = await openClusterCli();
  server.faults.add({
    resource: "runs",
    times: 2,
    fault: {
      kind: "refuse",
      status: 404,
      reason: "NotFound",
      message: "the server could not find the requested resource",
    },
  });
  const { exitCode, stderr } = await hueline(["status", "tiny", "--cluster"]);
  expect(exitCode).toBe(65);
  expect(stderr).toContain("kube.not-installed");
  expect(stderr).toContain("kubectl apply -f k8s/crds");
});

test.each([
  { verb: "list", args: ["status", "--cluster"], want: "hueline-viewer" },
  {
    verb: "patch",
    args: ["cancel", "tiny", "--cluster"],
    want: "hueline-editor",
  },
])(
  "a right to $verb that is missing names the role that has it",
  async ({ verb, args, want }) => {
    const { hueline, put } = await openClusterCli({
      forbid: (request) =>
        request.verb === verb
          ? `runs.hueline.dev is forbidden: User "ada" cannot ${verb} resource "runs" in API group "hueline.dev" in the namespace "team"`
          : null,
    });
    put();
    const { exitCode, stderr } = await hueline(args);
    expect(exitCode).toBe(65);
    expect(stderr).toContain("kube.forbidden");
    expect(stderr).toContain(`'${verb}' on runs`);
    expect(stderr).toContain(want);
  },
);

test("credentials that the server does not know are told as that", async () => {
  const { hueline } = await openClusterCli({ token: "another" });
  const { stderr } = await hueline(["status", "--cluster"]);
  expect(stderr).toContain("kube.unauthorized");
  expect(stderr).toContain("log in again");
});

test("a server that nobody answers at is told with its address", async () => {
  const { hueline, server } = await openClusterCli();
  await server.close();
  const clock = { ...systemClock, sleep: async () => {} };
  const { exitCode, stderr } = await hueline(["status", "--cluster"], {
    clock,
  });
  expect(exitCode).toBe(65);
  expect(stderr).toContain(`kube.unreachable`);
  expect(stderr).toContain(server.url);
});
