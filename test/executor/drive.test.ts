import { describe, expect, it } from "vitest";
import { TransientError } from "../../src/base/errors.ts";
import { silentLogger } from "../../src/base/log.ts";
import {
  drive,
  type DriveEvent,
  type DriveOptions,
} from "../../src/executor/drive.ts";
import type { RunControl } from "../../src/run/observation.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { readRunEvents } from "../../src/store/runs/run-events.ts";
import { readStatus } from "../../src/store/runs/run-records.ts";
import { createFakeExecutor, type FakeEnd } from "../support/fake-executor.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { buildPlan } from "../support/plans.ts";
import { waitFor } from "../support/wait-for.ts";

const chain = buildPlan({
  photos: {},
  pretrain: { kind: "pretrain", inputs: ["photos"] },
  score: { kind: "evaluate", inputs: ["pretrain"] },
});
const succeed = (): FakeEnd => ({ exitCode: 0 });

function arrange(
  script: (task: string, attempt: number) => FakeEnd | null,
  change: Partial<DriveOptions> & { control?: () => RunControl } = {},
) {
  const clock = createManualClock();
  const store = createMemoryStore({ clock });
  const executor = createFakeExecutor({
    clock,
    script,
    ...(change.control ? { control: change.control } : {}),
  });
  const events: DriveEvent[] = [];
  const stop = new AbortController();
  const options: DriveOptions = {
    plan: chain,
    run: "r",
    store,
    executor,
    clock,
    log: silentLogger,
    signal: stop.signal,
    listener: (event) => {
      events.push(event);
    },
    holdsLease: () => true,
    ...change,
  };
  return { clock, store, executor, events, stop, options };
}

const changesOf = (events: readonly DriveEvent[]): readonly string[] =>
  events.flatMap((event) =>
    event.kind === "transition" ? [`${event.task} ${event.to}`] : [],
  );

describe("drive", () => {
  it("runs tasks in the order of their inputs and writes down how the run went", async () => {
    const { options, executor, store, events } = arrange(succeed);
    const status = await drive(options);
    expect(status.phase).toBe("Succeeded");
    expect(executor.started).toEqual(["photos#1", "pretrain#1", "score#1"]);
    expect(executor.isClosed()).toBe(true);
    expect((await readStatus(store, "r"))?.status).toEqual(status);
    const wantChanges = [
      "photos Succeeded",
      "pretrain Succeeded",
      "score Succeeded",
    ];
    expect(changesOf(events)).toEqual(wantChanges);
    const recorded = await readRunEvents(store, "r");
    expect(recorded.events.map((e) => `${e.task} ${e.phase}`)).toEqual(
      wantChanges,
    );
  });

  it("waits as long as the back-off says before the next attempt", async () => {
    const { options, executor, clock } = arrange((task, attempt) =>
      task === "photos" && attempt === 1
        ? { exitCode: 75, reason: "store is busy" }
        : { exitCode: 0 },
    );
    const running = drive(options);
    const [sleepMs = 0] = await waitFor("the back-off", () =>
      executor.started.length === 1 && clock.sleeps().length > 0
        ? clock.sleeps()
        : null,
    );
    expect(sleepMs).toBeGreaterThan(0);
    expect(executor.started).toEqual(["photos#1"]);
    for (let ms = 0; ms < 3000; ms += 250) {
      clock.advance(250);
      await new Promise(setImmediate);
    }
    expect((await running).phase).toBe("Succeeded");
    expect(executor.started).toContain("photos#2");
  });

  it("ends Failed, with the reason, when nothing more can be done", async () => {
    const { options, store } = arrange((task) =>
      task === "pretrain"
        ? { exitCode: 65, reason: "no photographs" }
        : { exitCode: 0 },
    );
    const status = await drive(options);
    expect(status).toMatchObject({
      phase: "Failed",
      reason: "'pretrain' failed: no photographs",
    });
    const { events } = await readRunEvents(store, "r");
    expect(events).toContainEqual(
      expect.objectContaining({
        task: "score",
        phase: "Skipped",
        reason: "needs 'pretrain', which failed",
      }),
    );
  });

  it("stops its attempts when told to, says how to go on, and the next driver does", async () => {
    const { options, executor, stop, store } = arrange((task) =>
      task === "pretrain" && !stop.signal.aborted ? null : { exitCode: 0 },
    );
    const running = drive(options);
    await waitFor("pretrain", () =>
      executor.started.includes("pretrain#1") ? true : null,
    );
    stop.abort("SIGINT");
    const stopped = await running;
    expect(stopped.phase).toBe("Pending");
    expect(stopped.reason).toContain("stopped with 1 of 3 tasks done");
    expect((await readStatus(store, "r"))?.status).toEqual(stopped);
    const signal = new AbortController().signal;
    expect((await drive({ ...options, signal })).phase).toBe("Succeeded");
    expect(executor.started).toContain("pretrain#2");
  });

  it("cancels what runs when somebody asks for it", async () => {
    let cancel = false;
    const { options, executor, clock } = arrange(
      (task) => (task === "pretrain" ? null : { exitCode: 0 }),
      { control: () => ({ cancel, retriedAtMs: {} }) },
    );
    const running = drive(options);
    await waitFor("pretrain", () =>
      executor.started.includes("pretrain#1") ? true : null,
    );
    cancel = true;
    clock.advance(60_000);
    const status = await running;
    expect(status.phase).toBe("Cancelled");
    expect(status.counts).toMatchObject({ Succeeded: 1, Cancelled: 2 });
  });

  it("asks an executor again that fails for a moment", async () => {
    const { options, clock } = arrange(succeed);
    let failures = 2;
    const observe: typeof options.executor.observe = async (plan) => {
      if (failures-- > 0)
        throw new TransientError({ code: "store.busy", message: "busy" });
      return options.executor.observe(plan);
    };
    const running = drive({
      ...options,
      executor: { ...options.executor, observe },
    });
    for (let round = 0; round < 20; round++) {
      await new Promise(setImmediate);
      clock.advance(10_000);
    }
    expect((await running).phase).toBe("Succeeded");
  });

  it("stops its workers before it gives up on a bug", async () => {
    const { options, executor } = arrange(() => null);
    const apply: typeof executor.apply = async (plan, actions) => {
      await executor.apply(plan, actions);
      throw new Error("a bug");
    };
    await expect(
      drive({ ...options, executor: { ...executor, apply } }),
    ).rejects.toThrow("a bug");
    expect(executor.isClosed()).toBe(true);
  });

  it("writes nothing more once somebody else holds the run's lease", async () => {
    const { options, executor, stop, store } = arrange(
      (task) => (task === "photos" ? { exitCode: 0 } : null),
      { holdsLease: () => false },
    );
    const running = drive(options);
    await waitFor("pretrain", () =>
      executor.started.includes("pretrain#1") ? true : null,
    );
    stop.abort("lease lost");
    await running;
    expect((await readStatus(store, "r"))?.status.phase).toBe("Running");
  });
});
