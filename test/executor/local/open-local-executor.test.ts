import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { Executor } from "../../../src/executor/executor.ts";
import {
  openLocalExecutor,
  type LocalExecutorOptions,
} from "../../../src/executor/local/open-local-executor.ts";
import type { MemoryProbe } from "../../../src/executor/local/process-memory.ts";
import { noControl } from "../../../src/run/observation.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { layout } from "../../../src/store/layout.ts";
import { writeAttempts } from "../../../src/store/runs/run-attempts.ts";
import type { Store } from "../../../src/store/store.ts";
import { describeExecutor } from "../../contract/executor.ts";
import { buildPlan, keyOf } from "../../support/plans.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { waitFor } from "../../support/wait-for.ts";

const WORKER = fileURLToPath(
  new URL("../../support/scripted-worker.ts", import.meta.url),
);

async function open(
  options: Partial<LocalExecutorOptions> = {},
): Promise<{ executor: Executor; store: Store }> {
  const store =
    options.store ??
    createFileStore({ directory: await createTemporaryFolder() });
  const executor = await openLocalExecutor({
    store,
    run: "r",
    command: [process.execPath, WORKER],
    capacity: { cpu: 2, memoryBytes: 2 ** 32, gpu: 0 },
    findHolder: async () => null,
    readControl: async () => noControl,
    clock: systemClock,
    log: silentLogger,
    graceMs: 10_000,
    ...options,
  });
  return { executor, store };
}

const planOf = (behaviour: string) =>
  buildPlan({ task: { params: { behaviour } } });
const start = (attempt = 1) =>
  ({ kind: "start", task: "task", attempt }) as const;

async function endOf(executor: Executor, behaviour: string, attempt = 1) {
  const plan = planOf(behaviour);
  return waitFor("the end", async () => {
    const { tasks } = await executor.observe(plan);
    return tasks.get("task")?.attempts[attempt - 1]?.end ?? null;
  });
}

async function runOnce(
  behaviour: string,
  options: Partial<LocalExecutorOptions> = {},
) {
  const { executor, store } = await open(options);
  await executor.apply(planOf(behaviour), [start()]);
  const end = await endOf(executor, behaviour);
  await executor.close();
  return { end, store };
}

describeExecutor("the local executor", async (behaviourOf) => {
  const held = new Set<string>();
  const { executor } = await open({
    findHolder: async (key) => (held.has(key) ? "run elsewhere" : null),
  });
  const holdKey = async (task: string) => {
    held.add(keyOf(task));
    return async () => {
      held.delete(keyOf(task));
    };
  };
  // The suite's plans say nothing of behaviour: the description that the worker reads gets it here.
  const apply: Executor["apply"] = (plan, actions) =>
    executor.apply(
      {
        ...plan,
        tasks: plan.tasks.map((task) => ({
          ...task,
          params: { behaviour: behaviourOf(task.name) },
        })),
      },
      actions,
    );
  return { executor: { ...executor, apply }, holdKey };
});

describe("the local executor explains", () => {
  it("an uncaught error by the last words of the process", async () => {
    const { end } = await runOnce("crash");
    expect(end).toMatchObject({ exitCode: 1, cause: null });
    expect(end.reason).toContain("a bug in a library");
  });

  it("a kill that nobody owns up to, with what it declared", async () => {
    const { end } = await runOnce("sigkill");
    expect(end.exitCode).toBe(137);
    expect(end.reason).toContain("killed by SIGKILL; if nobody killed it");
    expect(end.reason).toContain("declared 0.3 GiB");
  });

  it("a kill by the kernel as out of memory, when the kernel's count rose", async () => {
    let kills = 3;
    const memory: MemoryProbe = {
      peakBytes: async () => 2 ** 29,
      oomKills: async () => kills++,
    };
    const { end } = await runOnce("sigkill", { memory });
    expect(end.cause).toBe("out-of-memory");
    expect(end.reason).toContain("declared 0.3 GiB, peak seen 0.5 GiB");
    expect(end.reason).toContain("resources.memory");
  });

  it("a lost race for the claim as such, so that it is not counted", async () => {
    const { end } = await runOnce("busy");
    expect(end).toMatchObject({ exitCode: 75, cause: "claim" });
  });

  it("a worker that cannot be started by what the system said", async () => {
    const { end } = await runOnce("succeed", {
      command: ["/nonexistent/hueline"],
    });
    expect(end.exitCode).toBeNull();
    expect(end.reason).toContain("could not be started");
    expect(end.reason).toContain("ENOENT");
  });

  it("a worker that did not stop in its grace as what it was stopped for", async () => {
    const { executor } = await open({ graceMs: 50 });
    const plan = planOf("stubborn");
    await executor.apply(plan, [start()]);
    await waitFor("its progress", () => executor.progress()[0] ?? null);
    await executor.apply(plan, [
      { kind: "stop", task: "task", cause: "deadline", reason: "over time" },
    ]);
    const end = await endOf(executor, "stubborn");
    expect(end).toMatchObject({
      exitCode: 137,
      cause: "deadline",
      reason: "over time",
    });
    await executor.close();
  });
});

it("the local executor tells a worker how long it has between being stopped and being killed", async () => {
  const { end, store } = await runOnce("succeed", {
    command: [process.execPath, "-p", "process.argv.join(' ')", "--"],
    graceMs: 1500,
  });
  expect(end.exitCode).toBe(0);
  const log = await store.read(layout.runLog("r", "task"));
  expect(Buffer.from(log ?? []).toString()).toContain("--grace 1500ms");
});

describe("the local executor keeps", () => {
  it("what a worker says, in the task's log", async () => {
    const { store } = await runOnce("bad-data");
    const bytes = await store.read(layout.runLog("r", "task"));
    expect(Buffer.from(bytes ?? []).toString()).toContain("no photographs");
  });

  it("attempts across drivers, so that counts survive them", async () => {
    const { store } = await runOnce("bad-data");
    const { executor } = await open({ store });
    await executor.apply(planOf("bad-data"), [start(1), start(2)]);
    await endOf(executor, "bad-data", 2);
    const { tasks } = await executor.observe(planOf("bad-data"));
    expect(tasks.get("task")?.attempts.map(({ number }) => number)).toEqual([
      1, 2,
    ]);
    await executor.close();
  });

  it("progress of what runs now, and of nothing else", async () => {
    const { executor } = await open();
    await executor.apply(planOf("hang"), [start()]);
    const progress = await waitFor(
      "progress",
      () => executor.progress()[0] ?? null,
    );
    expect(progress).toEqual({
      task: "task",
      step: 1,
      steps: 2,
      detail: "hanging",
      waiting: null,
    });
    await executor.close();
    expect(executor.progress()).toEqual([]);
  });

  it("apart what this driver computed from what was in the store when it came", async () => {
    const { store } = await runOnce("succeed");
    const { executor } = await open({ store });
    const { tasks } = await executor.observe(planOf("succeed"));
    expect(tasks.get("task")).toMatchObject({ committed: true, attempts: [] });
    await executor.close();
  });
});

describe("the local executor clears the checkpoints of a task that is done", () => {
  const left = `${layout.checkpoint(keyOf("task"), 1, 600)}manifest.json`;
  const leave = async () => {
    const directory = await createTemporaryFolder();
    const store = createFileStore({ directory });
    await store.put(left, Buffer.from("{}"));
    return store;
  };

  it("when its worker was killed between its commit and their removal", async () => {
    const { end, store } = await runOnce("commit-and-die", {
      store: await leave(),
    });
    expect(end.exitCode).toBe(137);
    expect(await store.stat(left)).toBeNull();
  });

  it("when worker and driver were killed between its commit and their removal", async () => {
    const store = await leave();
    const attempts = [{ number: 1, startedAtMs: 0, end: null }];
    await writeAttempts(store, { run: "r", task: "task", attempts });
    await store.put(layout.manifest(keyOf("task")), Buffer.from("{}"));
    const { executor } = await open({ store });
    await executor.observe(planOf("succeed"));
    expect(await store.stat(left)).toBeNull();
  });

  it("and leaves those of a task that is not", async () => {
    const { store } = await runOnce("sigkill", { store: await leave() });
    expect(await store.stat(left)).not.toBeNull();
  });
});
