import { describe, expect, test } from "vitest";
import { describeTask } from "../../../src/plan/task-description.ts";
import type { RunStatus } from "../../../src/run/status.ts";
import { layout } from "../../../src/store/layout.ts";
import { planDigest, planToJson } from "../../../src/plan/serialize.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import {
  createRun,
  findRun,
  listRuns,
  readPipelineText,
  readPlan,
  readStatus,
  readTaskDescription,
  writeStatus,
  writeTaskDescription,
} from "../../../src/store/runs/run-records.ts";
import type { Store } from "../../../src/store/store.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { buildPlan } from "../../support/plans.ts";

const plan = buildPlan({ photos: {}, scratch: { inputs: ["photos"] } });
const status: RunStatus = {
  phase: "Running",
  reason: "1 of 2 tasks done",
  counts: {
    Pending: 0,
    Running: 1,
    Succeeded: 1,
    Failed: 0,
    Skipped: 0,
    Cancelled: 0,
    total: 2,
    cached: 0,
  },
  stages: [],
  notes: [],
};

function create(store: Store, run: string, thePlan = plan) {
  return createRun(store, { run, pipelineText: "name: tiny\n", plan: thePlan });
}

describe("a run", () => {
  test("is created once, and found by whoever starts the same plan again", async () => {
    const store = createMemoryStore();
    expect(await readPlan(store, "tiny-00000001")).toBeNull();
    expect(await create(store, "tiny-00000001")).toBe("created");
    expect(await create(store, "tiny-00000001")).toBe("found");
    expect(await readPlan(store, "tiny-00000001")).toEqual(plan);
    expect(await readPipelineText(store, "tiny-00000001")).toBe("name: tiny\n");
  });

  test("started by two at once is created by one of them", async () => {
    const store = createMemoryStore();
    const outcomes = await Promise.all([
      create(store, "a"),
      create(store, "a"),
    ]);
    expect(outcomes.sort()).toEqual(["created", "found"]);
  });

  test("of another plan under the same id is refused", async () => {
    const store = createMemoryStore();
    await create(store, "tiny-00000001");
    const other = buildPlan({ photos: {} });
    await expect(create(store, "tiny-00000001", other)).rejects.toMatchObject({
      code: "run.other-plan",
      hint: expect.stringContaining("another name"),
    });
    expect(await readPlan(store, "tiny-00000001")).toEqual(plan);
  });

  test("reports its status, with the time of the report", async () => {
    const store = createMemoryStore();
    const clock = createManualClock(5_000);
    expect(await readStatus(store, "a")).toBeNull();
    await writeStatus(store, { run: "a", status, clock });
    expect(await readStatus(store, "a")).toEqual({
      version: 1,
      run: "a",
      updatedAtMs: 5_000,
      status,
    });
  });

  test.each([
    [layout.runPlan("a"), '{"pipeline":"x"}', readPlan],
    [layout.runPlan("a"), '{"pipeline', readPlan],
    [layout.runPlan("a"), forgedPlan(), readPlan],
    [layout.runPlan("a"), "[".repeat(10_000), readPlan],
    [layout.runStatus("a"), "[]", readStatus],
    [layout.runStatus("a"), forgedStatus({ stages: [null] }), readStatus],
    [layout.runStatus("a"), forgedStatus({ notes: [{}] }), readStatus],
    [layout.runStatus("a"), forgedStatus({ counts: {} }), readStatus],
  ])("whose %s is %s says so and what to do", async (path, text, read) => {
    const store = createMemoryStore();
    await store.put(path, Buffer.from(text));
    await expect(read(store, "a")).rejects.toMatchObject({
      code: "run.corrupt",
      message: expect.stringContaining(path),
    });
  });
});

describe("a task of a run", () => {
  test("is described to its worker through the store", async () => {
    const store = createMemoryStore();
    const byName = new Map(plan.tasks.map((task) => [task.name, task]));
    const task = plan.tasks[1];
    if (!task) throw new Error("the plan has two tasks");
    const description = describeTask({ plan, byName, run: "a", task });
    await writeTaskDescription(store, description);
    expect(await readTaskDescription(store, "a", task.name)).toEqual(
      description,
    );
  });

  test("that nobody described is an error that names the object", async () => {
    await expect(
      readTaskDescription(createMemoryStore(), "a", "t"),
    ).rejects.toMatchObject({
      code: "run.no-task",
      message: expect.stringContaining("runs/a/tasks/t.json"),
    });
  });
});

describe("finding runs", () => {
  async function threeRuns(): Promise<Store> {
    const clock = createManualClock();
    const store = createMemoryStore({ clock });
    for (const run of ["tiny-00000001", "tiny-00ff0002", "table2-12345678"]) {
      await create(store, run);
      clock.advance(1000);
    }
    return store;
  }

  test("lists them newest first, with their status, and no folder that is not a run", async () => {
    const store = await threeRuns();
    const clock = createManualClock();
    await writeStatus(store, { run: "tiny-00000001", status, clock });
    await store.put("runs/no-run/logs/x.log", new Uint8Array());
    expect(await listRuns(store)).toMatchObject([
      { run: "table2-12345678", last: null },
      { run: "tiny-00ff0002", last: null },
      { run: "tiny-00000001", last: { status: { phase: "Running" } } },
    ]);
  });

  test.each([
    { given: null, want: "table2-12345678" },
    { given: "tiny-00000001", want: "tiny-00000001" },
    { given: "tiny-00f", want: "tiny-00ff0002" },
    { given: "tiny", want: "tiny-00ff0002" },
    { given: "ta", want: "table2-12345678" },
  ])("by $given finds $want", async ({ given, want }) => {
    expect(await findRun(await threeRuns(), given)).toBe(want);
  });

  test("by the beginning of several names them", async () => {
    await expect(findRun(await threeRuns(), "tiny-00")).rejects.toMatchObject({
      code: "run.ambiguous",
      message: expect.stringContaining("tiny-00000001"),
    });
  });

  test("by an unknown name tells the newest ones", async () => {
    await expect(findRun(await threeRuns(), "nope")).rejects.toMatchObject({
      code: "run.unknown",
      message: expect.stringContaining("table2-12345678"),
    });
  });

  test("in an empty store says how to start one", async () => {
    await expect(findRun(createMemoryStore(), null)).rejects.toMatchObject({
      code: "run.none",
      hint: expect.stringContaining("hueline run"),
    });
  });
});

/** With the digest of what it holds, which is no plan. */
function forgedPlan(): string {
  const [first, ...others] = plan.tasks;
  const tasks = [{ ...first, kind: "toString" }, ...others] as Plan["tasks"];
  const forged = { ...plan, tasks };
  return planToJson({ ...forged, digest: planDigest(forged) });
}

function forgedStatus(fields: Readonly<Record<string, unknown>>): string {
  const record = { version: 1, run: "a", updatedAtMs: 1 };
  return JSON.stringify({ ...record, status: { ...status, ...fields } });
}
