import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { systemClock, type Clock } from "../../../src/base/clock.ts";
import { resources } from "../../../src/kube/kube.ts";
import { annotations, labels } from "../../../src/resources/labels.ts";
import type { Run } from "../../../src/resources/run-resource.ts";
import type { Schedule } from "../../../src/resources/schedule-resource.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { readPins } from "../../../src/store/gc/pins.ts";
import { buildStatus, openClusterCli } from "../../support/cluster-cli.ts";

const pipeline = `name: small
params: { day: "2026-01-01" }
stages:
  photos:
    kind: shard
    with: { source: "s3://bucket/\${params.day}", format: image-folder, shards: 2 }
`;

const clock: Clock = {
  ...systemClock,
  now: () => Date.parse("2026-03-01T12:00:30Z"),
};

async function openSchedules(given?: Partial<Schedule>) {
  const cli = await openClusterCli();
  await writeFile(path.join(cli.folder, "small.yaml"), pipeline);
  const put = (schedule: Partial<Schedule>) =>
    cli.server.put(resources.schedule, {
      apiVersion: resources.schedule.apiVersion,
      kind: "Schedule",
      metadata: { name: "nightly", namespace: "team", uid: "schedule-uid" },
      spec: {
        schedule: "30 2 * * *",
        timeZone: "Europe/Zurich",
        run: { spec: { pipeline, params: { day: "${schedule.date}" } } },
      },
      ...schedule,
    });
  if (given !== undefined) put(given);
  return {
    ...cli,
    hueline: (...args: readonly string[]) =>
      cli.hueline(["schedule", ...args], { clock }),
    ask: (answer: string, ...args: readonly string[]) =>
      cli.hueline(["schedule", ...args], { clock, answer }),
    schedule: () =>
      cli.server.get(resources.schedule, "nightly") as Schedule | null,
  };
}

test("a file that goes by way of the store is pinned there for its Schedule, and delete says so", async () => {
  const { folder, hueline, schedule } = await openSchedules();
  const large = `${pipeline}# ${"x".repeat(300 * 1024)}\n`;
  await writeFile(path.join(folder, "large.yaml"), large);
  const create = ["create", "nightly", "large.yaml", "--cron", "@daily"];
  const { stderr } = await hueline(...create, "--store", "store");
  expect(stderr).toBe("");
  const { sha256 = "" } = schedule()?.spec.run.spec.pipelineFrom ?? {};
  const store = createFileStore({ directory: path.join(folder, "store") });
  expect(await readPins(store)).toMatchObject([
    {
      kind: "pipeline",
      name: sha256,
      reason: "the Schedule 'nightly' of namespace 'team'",
    },
  ]);
  const deleted = await hueline("delete", "nightly");
  expect(deleted.stdout).toContain(`hueline unpin ${sha256}`);
});

test("create checks the file and the clock, and says when the first Run starts", async () => {
  const { hueline, schedule } = await openSchedules();
  const { exitCode, stdout, stderr } = await hueline(
    "create",
    "nightly",
    "small.yaml",
    "--cron",
    "30 2 * * *",
    "--time-zone",
    "Europe/Zurich",
    "--concurrency",
    "Forbid",
    "--jitter",
    "10m",
    "--deadline",
    "1h",
    "--queue",
    "gpus",
    "-p",
    "day=${schedule.date}",
  );
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("its first Run starts at 2026-03-02T01:30:00Z");
  expect(schedule()?.spec).toEqual({
    schedule: "30 2 * * *",
    timeZone: "Europe/Zurich",
    concurrencyPolicy: "Forbid",
    jitterSeconds: 600,
    startingDeadlineSeconds: 3600,
    run: {
      spec: { params: { day: "${schedule.date}" }, queue: "gpus", pipeline },
    },
  });
});

test.each([
  { args: ["--cron", "61 2 * * *"], want: "is not a schedule", wantCode: 64 },
  { args: [], want: "expected --cron", wantCode: 64 },
  {
    args: ["--cron", "@daily", "--time-zone", "Mars/Olympus"],
    want: "is not a time zone",
    wantCode: 64,
  },
  {
    args: ["--cron", "@daily", "-p", "day=${schedule.day}"],
    want: "${schedule.time} or ${schedule.date}",
    wantCode: 64,
  },
  {
    args: ["--cron", "@daily", "-p", "dya=1"],
    want: "dya",
    wantCode: 65,
  },
])(
  "create with $args is refused before anything is sent",
  async ({ args, want, wantCode }) => {
    const { hueline, server } = await openSchedules();
    const { exitCode, stderr } = await hueline(
      "create",
      "nightly",
      "small.yaml",
      ...args,
    );
    expect(exitCode).toBe(wantCode);
    expect(stderr).toContain(want);
    expect(server.requests).toEqual([]);
  },
);

test("a name that is taken is told as that", async () => {
  const { hueline } = await openSchedules({});
  const { exitCode, stderr } = await hueline(
    "create",
    "nightly",
    "small.yaml",
    "--cron",
    "@daily",
  );
  expect(exitCode).toBe(65);
  expect(stderr).toContain("already exists");
});

test("ls shows what there is, and how the last Runs ended", async () => {
  const { hueline } = await openSchedules({
    status: {
      observedGeneration: 1,
      conditions: [],
      lastScheduleTime: "2026-03-01T01:30:00Z",
      nextScheduleTime: "2026-03-02T01:30:00Z",
      active: ["nightly-202603010130"],
      lastResult: "Succeeded, everything was found in the store",
    },
  });
  const { stdout } = await hueline("ls");
  expect(stdout).toMatch(
    /^nightly +30 2 \* \* \* +Europe\/Zurich +no +1 +10h +2026-03-02T01:30:00Z +Succeeded, everything was found in the store/m,
  );
});

test("show tells the next moments, the last results, and what was skipped and why", async () => {
  const { hueline, put } = await openSchedules({
    status: {
      observedGeneration: 1,
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "Scheduled",
          message: "2 skipped: 2026-02-28T01:30:00Z was missed",
          lastTransitionTime: "2026-03-01T01:30:00Z",
          observedGeneration: 1,
        },
      ],
      lastScheduleTime: "2026-03-01T01:30:00Z",
      skipped: 2,
      backfill: { of: "x", total: 31, started: 12, done: 10 },
    },
  });
  put({
    name: "nightly-202603010130",
    annotations: { [annotations.scheduledAt]: "2026-03-01T01:30:00Z" },
    status: buildStatus({ phase: "Succeeded", reason: "4 of 4 tasks done" }),
  });
  const { exitCode, stdout } = await hueline("show", "nightly");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("30 2 * * * Europe/Zurich: Scheduled");
  expect(stdout).toContain(
    "2 so far; 2 skipped: 2026-02-28T01:30:00Z was missed",
  );
  expect(stdout).toContain("10 of 31 moments done, 2 of them run now");
  expect(stdout.match(/02:30 in Europe\/Zurich/g)).toHaveLength(5);
  expect(stdout).toContain("next      2026-03-02T01:30:00Z");
  // Runs are the Schedule's by their label.
  expect(stdout).toContain("no Run yet");
});

test("show lists the Schedule's Runs, newest first", async () => {
  const { hueline, server } = await openSchedules({});
  for (const [name, created] of [
    ["nightly-1", "2026-02-28T01:30:00Z"],
    ["nightly-2", "2026-03-01T01:30:00Z"],
  ] as const)
    server.put(resources.run, {
      apiVersion: resources.run.apiVersion,
      kind: "Run",
      metadata: {
        name,
        namespace: "team",
        creationTimestamp: created,
        labels: { [labels.schedule]: "nightly" },
        annotations: { [annotations.scheduledAt]: created },
      },
      spec: { pipeline },
      status: buildStatus({ phase: "Succeeded", reason: "done" }),
    });
  const { stdout } = await hueline("show", "nightly", "-o", "json");
  const { runs, next } = JSON.parse(stdout) as {
    readonly runs: readonly { readonly run: string }[];
    readonly next: readonly string[];
  };
  expect(runs.map(({ run }) => run)).toEqual(["nightly-2", "nightly-1"]);
  expect(next[0]).toBe("2026-03-02T01:30:00Z");
});

test("suspend and resume write one field", async () => {
  const { hueline, schedule } = await openSchedules({});
  await hueline("suspend", "nightly");
  expect(schedule()?.spec.suspend).toBe(true);
  await hueline("resume", "nightly");
  expect(schedule()?.spec.suspend).toBe(false);
});

test("backfill takes dates as the Schedule's own, and counts what will be run", async () => {
  const { hueline, schedule } = await openSchedules({});
  const { exitCode, stdout } = await hueline(
    "backfill",
    "nightly",
    "--from",
    "2026-01-01",
    "--to",
    "2026-02-01",
    "--max-at-once",
    "3",
  );
  expect(exitCode).toBe(0);
  expect(stdout).toContain("31 moments");
  expect(schedule()?.spec.backfill).toEqual({
    from: "2025-12-31T23:00:00Z",
    to: "2026-01-31T23:00:00Z",
    maxAtOnce: 3,
  });
  const wrong = await hueline(
    "backfill",
    "nightly",
    "--from",
    "2026-02-01",
    "--to",
    "2026-01-01",
  );
  expect(wrong.exitCode).toBe(64);
});

test("trigger starts the Run of this minute, once", async () => {
  const { hueline, server } = await openSchedules({});
  const { exitCode, stdout } = await hueline("trigger", "nightly");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("Run 'nightly-202603011200' is started");
  const [run] = server.list(resources.run) as unknown as readonly Run[];
  expect(run?.spec.params).toEqual({ day: "2026-03-01" });
  expect(run?.metadata.labels).toEqual({ [labels.schedule]: "nightly" });
  expect(run?.metadata.ownerReferences).toMatchObject([
    {
      name: "nightly",
      uid: "schedule-uid",
      controller: true,
      blockOwnerDeletion: false,
    },
  ]);
  const again = await hueline("trigger", "nightly");
  expect(again.exitCode).toBe(65);
  expect(again.stderr).toContain("schedule.triggered");
});

test("delete asks where Runs would be stopped, and takes no answer for a no", async () => {
  const status = {
    observedGeneration: 1,
    conditions: [],
    active: ["nightly-1"],
  };
  const { hueline, ask, schedule } = await openSchedules({ status });
  const unasked = await hueline("delete", "nightly");
  expect(unasked.exitCode).toBe(64);
  expect(unasked.stderr).toContain("nightly-1");
  expect((await ask("n", "delete", "nightly")).exitCode).toBe(64);
  expect(schedule()).not.toBeNull();
  expect((await ask("y", "delete", "nightly")).exitCode).toBe(0);
  expect(schedule()).toBeNull();
});

test.each([
  { args: ["show", "weekly"], want: "there are: nightly", wantCode: 65 },
  { args: ["show"], want: "the name of a Schedule", wantCode: 64 },
  { args: ["toString"], want: "create, ls, show", wantCode: 64 },
  { args: ["create", "x"], want: "schedule create NAME FILE", wantCode: 64 },
])(
  "schedule $args is told what was expected",
  async ({ args, want, wantCode }) => {
    const { hueline } = await openSchedules({});
    const { exitCode, stderr } = await hueline(...args);
    expect(exitCode).toBe(wantCode);
    expect(stderr).toContain(want);
  },
);
