import { expect, test } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { resources } from "../../../src/kube/kube.ts";
import { annotations } from "../../../src/resources/labels.ts";
import { buildStatus, openClusterCli } from "../../support/cluster-cli.ts";

const failed = buildStatus({
  phase: "Failed",
  reason: "'train-1' failed: NaN",
  finishedAt: "2026-01-01T01:00:00Z",
  counts: {
    total: 4,
    succeeded: 3,
    cached: 0,
    running: 0,
    pending: 0,
    failed: 1,
    skipped: 0,
    cancelled: 0,
  },
  notes: [{ task: "train-1", phase: "Failed", reason: "NaN", attempts: 1 }],
});

function at(time: string): Clock {
  return { ...systemClock, now: () => Date.parse(time) };
}

test("cancel asks by an annotation, and leaves the others as they are", async () => {
  const { hueline, put, run } = await openClusterCli();
  put({ status: buildStatus(), annotations: { "team.example/note": "mine" } });
  const { exitCode, stdout } = await hueline(["cancel", "tiny", "--cluster"]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("stops after a checkpoint");
  expect(run("tiny")?.metadata.annotations).toEqual({
    "team.example/note": "mine",
    [annotations.cancel]: "true",
  });
});

test.each([
  { command: "cancel", args: ["--cluster"] },
  { command: "suspend", args: [] },
  { command: "resume", args: [] },
])(
  "$command of a Run that has ended changes nothing and says so",
  async ({ command, args }) => {
    const { hueline, put, server } = await openClusterCli();
    put({ status: buildStatus({ phase: "Succeeded" }) });
    const { exitCode, stdout } = await hueline([command, "tiny", ...args]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("has ended already: Succeeded");
    expect(server.requests.some(({ verb }) => verb === "patch")).toBe(false);
  },
);

test("suspend and resume write one field, and say when there is nothing to write", async () => {
  const { hueline, put, run, server } = await openClusterCli();
  put({ status: buildStatus(), spec: { parallelism: 3 } });
  const first = await hueline(["suspend", "tiny"]);
  expect(first.stdout).toContain("stops after a checkpoint");
  expect(run("tiny")?.spec).toMatchObject({ suspend: true, parallelism: 3 });
  const again = await hueline(["suspend", "tiny"]);
  expect(again.stdout).toContain("is suspended already");
  await hueline(["resume", "tiny"]);
  expect(run("tiny")?.spec.suspend).toBe(false);
  const idle = await hueline(["resume", "tiny", "-o", "json"]);
  expect(JSON.parse(idle.stdout)).toEqual({ run: "tiny", suspend: false });
  const patches = server.requests.filter(({ verb }) => verb === "patch");
  expect(patches.map(({ body }) => body)).toEqual([
    { spec: { suspend: true } },
    { spec: { suspend: false } },
  ]);
});

test("retry adds a wish to those that are there, with the time to the millisecond", async () => {
  const { hueline, put, run } = await openClusterCli();
  const given = "other@2026-01-01T00:30:00Z,train-1@2026-01-01T00:40:00Z";
  put({ status: failed, annotations: { [annotations.retry]: given } });
  const clock = at("2026-01-01T01:00:05.250Z");
  const args = ["retry", "tiny", "train-1", "--cluster"];
  const { exitCode, stdout } = await hueline(args, { clock });
  expect(exitCode).toBe(0);
  expect(stdout).toContain("task train-1 of the Run 'tiny'");
  expect(run("tiny")?.metadata.annotations?.[annotations.retry]).toBe(
    "other@2026-01-01T00:30:00Z,train-1@2026-01-01T01:00:05.250Z",
  );
});

test("a retry from a machine whose clock is late is newer than the failure all the same", async () => {
  const { hueline, put, run } = await openClusterCli();
  put({ status: failed });
  const clock = at("2026-01-01T00:10:00Z");
  await hueline(["retry", "tiny", "--cluster"], { clock });
  expect(run("tiny")?.metadata.annotations?.[annotations.retry]).toBe(
    "*@2026-01-01T01:00:01.000Z",
  );
});

test("a wish that came while ours was on its way is kept", async () => {
  const { hueline, put, run, server } = await openClusterCli({
    forbid: (request) => {
      const isFirst =
        request.verb === "patch" && Object.keys(request.body ?? {}).length > 0;
      if (isFirst && !raced) {
        raced = true;
        const theirs = { [annotations.retry]: "train-2@2026-01-01T02:00:00Z" };
        server.change(
          resources.run,
          { name: "tiny" },
          { metadata: { annotations: theirs } },
        );
      }
      return null;
    },
  });
  let raced = false;
  put({ status: failed });
  const clock = at("2026-01-01T03:00:00Z");
  const args = ["retry", "tiny", "train-1", "--cluster"];
  expect(await hueline(args, { clock })).toMatchObject({ exitCode: 0 });
  expect(run("tiny")?.metadata.annotations?.[annotations.retry]).toBe(
    "train-2@2026-01-01T02:00:00Z,train-1@2026-01-01T03:00:00.000Z",
  );
});

test("a cancelled Run that is retried is not cancelled any more", async () => {
  const { hueline, put, run } = await openClusterCli();
  put({
    status: { ...failed, phase: "Cancelled", notes: [] },
    annotations: { [annotations.cancel]: "true" },
  });
  await hueline(["retry", "tiny", "--cluster"]);
  const after = run("tiny")?.metadata.annotations ?? {};
  expect(Object.keys(after)).toEqual([annotations.retry]);
});

test.each([
  {
    status: buildStatus(),
    args: [],
    want: "no task of the Run 'tiny' has failed: it is Running",
  },
  { status: failed, args: ["train-9"], want: "these have: train-1" },
])("a retry of nothing is refused: $want", async ({ status, args, want }) => {
  const { hueline, put } = await openClusterCli();
  put({ status });
  const { exitCode, stderr } = await hueline([
    "retry",
    "tiny",
    ...args,
    "--cluster",
  ]);
  expect(exitCode).toBe(65);
  expect(stderr).toContain("run.no-task");
  expect(stderr).toContain(want);
});
