/** Invariants A, B and H against real processes that are killed at moments drawn from a seed. */
import { beforeAll, describe, expect, it } from "vitest";
import { below } from "../../src/base/random.ts";
import {
  createLocalRuns,
  type Driver,
  type LocalRuns,
} from "../support/local-run.ts";
import type { Plan } from "../../src/plan/plan.ts";
import {
  createTemporaryFolder,
  openTemporaryFolder,
} from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";

const EVERY = 10;
const diamond = (runs: LocalRuns): Plan =>
  runs.plan({ a: {}, b: {}, c: { inputs: ["a", "b"] } }, { every: EVERY });
const STEPS = 180;

async function resultOf(runs: LocalRuns, plan: Plan): Promise<string[]> {
  return Promise.all(plan.tasks.map(({ name }) => runs.result(plan, name)));
}

let calm: string[] = [];

beforeAll(async () => {
  const temporary = await openTemporaryFolder();
  const runs = createLocalRuns(temporary.folder);
  const plan = diamond(runs);
  const status = await runs.start(plan, "calm").ended;
  expect(status.phase).toBe("Succeeded");
  expect(runs.trace()).toHaveLength(STEPS);
  calm = await resultOf(runs, plan);
  await temporary.remove();
}, 30_000);

/** Workers that have computed something and may still live. */
function killWorkers(runs: LocalRuns): number {
  const pids = new Set(
    runs
      .trace()
      .slice(-20)
      .map(({ pid }) => pid),
  );
  let killed = 0;
  for (const pid of pids)
    try {
      process.kill(pid, "SIGKILL");
      killed++;
    } catch {
      // It has ended by itself.
    }
  return killed;
}

describe("kill -9", () => {
  it.each([
    ["a worker", 1],
    ["the driver", 2],
    ["the driver and its workers", 3],
  ] as const)(
    "of %s at any moment changes no byte and costs no more than the steps since a checkpoint",
    async (victim, seed) => {
      const runs = createLocalRuns(await createTemporaryFolder());
      const plan = diamond(runs);
      const moments = [0, 1, 2]
        .map((i) => 1 + below(STEPS - 2, seed, i))
        .sort((x, y) => x - y);
      let driver = runs.start(plan, "stormy");
      let killed = 0;
      for (const moment of moments) {
        await runs.untilSteps(moment);
        if (victim !== "a worker") await driver.kill();
        if (victim !== "the driver") killed += killWorkers(runs);
        if (victim !== "a worker") driver = runs.start(plan, "stormy");
      }
      const status = await driver.ended;
      expect(status.phase, status.reason).toBe("Succeeded");
      expect(await resultOf(runs, plan)).toEqual(calm);
      const again = runs.trace().length - STEPS;
      expect(again).toBeGreaterThanOrEqual(0);
      expect(again).toBeLessThanOrEqual(killed * EVERY);
    },
    60_000,
  );
});

describe("SIGTERM", () => {
  it("to the driver stops its workers after a checkpoint, and the next driver goes on without computing anything twice", async () => {
    const runs = createLocalRuns(await createTemporaryFolder());
    const plan = diamond(runs);
    const first = runs.start(plan, "stopped");
    await runs.untilSteps(25);
    first.process.kill("SIGTERM");
    const stopped = await first.ended;
    expect(stopped.phase).toBe("Pending");
    expect(stopped.reason).toContain("run the same file again");
    const status = await runs.start(plan, "stopped").ended;
    expect(status.phase).toBe("Succeeded");
    expect(runs.trace()).toHaveLength(STEPS);
  }, 30_000);

  it("to a worker makes it save a checkpoint and end with 143, which is not counted", async () => {
    const runs = createLocalRuns(await createTemporaryFolder());
    const plan = runs.plan({ a: {} }, { steps: 100, every: 1000 });
    const driver = runs.start(plan, "nudged");
    await runs.untilSteps(10);
    process.kill(runs.trace()[0]?.pid ?? 0, "SIGTERM");
    const status = await driver.ended;
    expect(status.phase).toBe("Succeeded");
    expect(runs.trace()).toHaveLength(100);
    expect(new Set(runs.trace().map(({ pid }) => pid)).size).toBe(2);
  }, 30_000);
});

describe("two drivers", () => {
  it("of runs that share a task compute it once, and the other one says for whom it waits", async () => {
    const runs = createLocalRuns(await createTemporaryFolder());
    const shared = { params: { gate: runs.gate } };
    const one = runs.plan({ a: shared, x: { inputs: ["a"] } });
    const two = runs.plan({ a: shared, y: { inputs: ["a"] } });
    const first = runs.start(one, "one");
    await runs.untilSteps(5);
    const second = runs.start(two, "two");
    await waitFor("the second run's word for whom it waits", () =>
      notesOf(second).some((reason) =>
        reason.includes("waits for run one, task a"),
      )
        ? true
        : null,
    );
    runs.openGate();
    const ends = await Promise.all([first.ended, second.ended]);
    expect(ends.map(({ phase }) => phase)).toEqual(["Succeeded", "Succeeded"]);
    expect(runs.trace().filter(({ task }) => task === "a")).toHaveLength(60);
  }, 30_000);

  it("of one run: the second follows, and takes over when the first is killed", async () => {
    const runs = createLocalRuns(await createTemporaryFolder());
    const plan = runs.plan({
      a: { params: { gate: runs.gate } },
      b: { inputs: ["a"] },
    });
    const first = runs.start(plan, "shared");
    await runs.untilSteps(5);
    const second = await startFollower(runs, plan);
    await first.kill();
    runs.openGate();
    expect((await second.ended).phase).toBe("Succeeded");
    expect(second.events.map(({ kind }) => kind)).toContain("driving");
    expect(runs.trace()).toHaveLength(120);
  }, 30_000);

  it("of one run: both end with its status when the first one finishes it", async () => {
    const runs = createLocalRuns(await createTemporaryFolder());
    const plan = runs.plan({ a: { params: { gate: runs.gate } } });
    const first = runs.start(plan, "shared");
    await runs.untilSteps(5);
    const second = await startFollower(runs, plan);
    runs.openGate();
    const ends = await Promise.all([first.ended, second.ended]);
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[0].phase).toBe("Succeeded");
    expect(runs.trace()).toHaveLength(60);
  }, 30_000);
});

function notesOf(driver: Driver): readonly string[] {
  return driver.events
    .flatMap((event) => (event.kind === "status" ? event.status.notes : []))
    .map(({ reason }) => reason);
}

async function startFollower(runs: LocalRuns, plan: Plan): Promise<Driver> {
  const second = runs.start(plan, "shared");
  await waitFor("the second driver", () =>
    second.events.some(({ kind }) => kind === "following") ? true : null,
  );
  return second;
}
