import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import type { DriveEvent } from "../../src/executor/drive.ts";
import { joinRun, type JoinOptions } from "../../src/executor/join-run.ts";
import { takeClaim } from "../../src/store/claims/claims.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { ClaimOwner, Liveness } from "../../src/store/claims/owner.ts";
import {
  readControl,
  requestCancel,
} from "../../src/store/runs/run-control.ts";
import { toLeaseKey, writeStatus } from "../../src/store/runs/run-records.ts";
import { createFakeExecutor, type FakeEnd } from "../support/fake-executor.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { buildPlan } from "../support/plans.ts";
import { waitFor } from "../support/wait-for.ts";

const plan = buildPlan({ a: {}, b: { inputs: ["a"] } });
const me: ClaimOwner = {
  host: "here",
  bootId: "boot",
  pid: 1,
  pidStartTime: "1",
  run: "r",
  task: "driver",
};
const other: ClaimOwner = { ...me, pid: 2, pidStartTime: "2" };

function arrange(script: (task: string, attempt: number) => FakeEnd | null) {
  const clock = createManualClock();
  const store = createMemoryStore({ clock });
  const executor = createFakeExecutor({
    clock,
    script,
    control: () => readControl(store, "r"),
  });
  const events: DriveEvent[] = [];
  const alive = new Set([1, 2]);
  const stop = new AbortController();
  const options: JoinOptions = {
    plan,
    run: "r",
    store,
    openExecutor: async () => executor,
    owner: me,
    isOwnerAlive: async ({ pid }): Promise<Liveness> =>
      alive.has(pid) ? "alive" : "dead",
    clock,
    log: silentLogger,
    signal: stop.signal,
    listener: (event) => {
      events.push(event);
    },
  };
  const takeAsOther = async () => {
    const taken = await takeClaim(store, toLeaseKey("r"), other, options);
    if (taken.kind === "held") throw new Error("the lease is held");
    return taken.claim;
  };
  const untilFollowing = () =>
    waitFor("following", () =>
      events.some(({ kind }) => kind === "following") &&
      clock.sleeps().length > 0
        ? true
        : null,
    );
  return {
    clock,
    store,
    executor,
    events,
    alive,
    stop,
    options,
    takeAsOther,
    untilFollowing,
  };
}

const succeed = (): FakeEnd => ({ exitCode: 0 });

describe("joinRun", () => {
  it("drives a run that nobody drives, and lets go of it", async () => {
    const { options, events, takeAsOther } = arrange(succeed);
    expect((await joinRun(options)).phase).toBe("Succeeded");
    expect(events[0]).toEqual({ kind: "driving" });
    expect((await takeAsOther()).epoch).toBe(2);
  });

  it("follows who drives already, starts nothing itself, and ends with their status", async () => {
    const { options, executor, store, clock, takeAsOther, untilFollowing } =
      arrange(succeed);
    const lease = await takeAsOther();
    const joined = joinRun(options);
    await untilFollowing();
    const end = await joinRun(arrange(succeed).options);
    clock.advance(10);
    await writeStatus(store, { run: "r", status: end, clock });
    await lease.release();
    clock.advance(1000);
    expect(await joined).toEqual(end);
    expect(executor.started).toEqual([]);
  });

  it("takes over when the driver is dead", async () => {
    const { options, executor, clock, alive, takeAsOther, untilFollowing } =
      arrange(succeed);
    await takeAsOther();
    const joined = joinRun(options);
    await untilFollowing();
    alive.delete(2);
    clock.advance(1000);
    expect((await joined).phase).toBe("Succeeded");
    expect(executor.started).toEqual(["a#1", "b#1"]);
  });

  it("tries failed tasks afresh when the same run is started again", async () => {
    const { options, executor, clock } = arrange((task, attempt) =>
      task === "a" && attempt === 1 ? { exitCode: 65 } : { exitCode: 0 },
    );
    expect((await joinRun(options)).phase).toBe("Failed");
    clock.advance(1);
    expect((await joinRun(options)).phase).toBe("Succeeded");
    expect(executor.started).toEqual(["a#1", "a#2", "b#1"]);
  });

  it("takes back a cancel when the same run is started again", async () => {
    const { options, store } = arrange(succeed);
    await requestCancel(store, "r");
    expect((await joinRun(options)).phase).toBe("Succeeded");
    expect((await readControl(store, "r")).cancel).toBe(false);
  });

  it("stops following when told to, and leaves the run alone", async () => {
    const { options, executor, stop, takeAsOther, untilFollowing } =
      arrange(succeed);
    const lease = await takeAsOther();
    const joined = joinRun(options);
    await untilFollowing();
    stop.abort("SIGINT");
    expect((await joined).counts.total).toBe(2);
    expect(executor.started).toEqual([]);
    expect(await lease.heartbeat()).toBe("ours");
  });

  it("lets go of the lease when the executor cannot be opened", async () => {
    const { options, takeAsOther } = arrange(succeed);
    const openExecutor = async () => {
      throw new Error("no processes left");
    };
    await expect(joinRun({ ...options, openExecutor })).rejects.toThrow(
      "no processes left",
    );
    expect((await takeAsOther()).epoch).toBe(2);
  });
});
