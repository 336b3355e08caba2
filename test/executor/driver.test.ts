import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createDriver } from "../../src/executor/driver.ts";
import type { Executor } from "../../src/executor/executor.ts";
import { noControl, type Observation } from "../../src/run/observation.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { readStatus } from "../../src/store/runs/run-records.ts";
import type { Store } from "../../src/store/store.ts";
import { buildPlan } from "../support/plans.ts";

const run = "run-1";
const plan = buildPlan({ a: {} });

/** A driver of one task, whose store writes a status only when it is let. */
function openDriver() {
  const memory = createMemoryStore();
  const writes: PromiseWithResolvers<void>[] = [];
  const store: Store = {
    ...memory,
    async put(path, bytes) {
      const write = Promise.withResolvers<void>();
      writes.push(write);
      await write.promise;
      await memory.put(path, bytes);
    },
  };
  let isDone = false;
  const executor: Executor = {
    observe: () => {
      const task = { task: "a", committed: isDone, heldBy: null, attempts: [] };
      const observation: Observation = {
        tasks: new Map([["a", task]]),
        capacity: null,
        control: noControl,
      };
      return Promise.resolve(observation);
    },
    apply: () => Promise.resolve(),
    changed: () => Promise.resolve(),
    progress: () => [],
    close: () => Promise.resolve(),
  };
  const driver = createDriver({
    plan,
    run,
    store,
    executor,
    clock: systemClock,
    log: silentLogger,
    listener: () => undefined,
  });
  const nextWrite = async (): Promise<PromiseWithResolvers<void>> => {
    while (writes.length === 0)
      await new Promise((resolve) => setImmediate(resolve));
    return writes.shift() as PromiseWithResolvers<void>;
  };
  return {
    driver,
    store: memory,
    nextWrite,
    finish: () => {
      isDone = true;
    },
  };
}

describe("a driver", () => {
  it("steps on while a status is written, and ends only when the end is written", async () => {
    const { driver, store, nextWrite, finish } = openDriver();
    await driver.step();
    const slow = await nextWrite();
    finish();
    let hasEnded = false;
    const last = driver.step().then((decision) => {
      hasEnded = true;
      return decision.status.phase;
    });
    slow.resolve();
    const end = await nextWrite();
    expect(hasEnded).toBe(false);
    expect((await readStatus(store, run))?.status.phase).toBe("Running");
    end.resolve();
    expect(await last).toBe("Succeeded");
    expect((await readStatus(store, run))?.status.phase).toBe("Succeeded");
  });

  it("tells in the next step that a status could not be written, and writes it then", async () => {
    const { driver, store, nextWrite } = openDriver();
    await driver.step();
    (await nextWrite()).reject(new Error("the disk is full"));
    await driver.settled();
    await expect(driver.step()).rejects.toThrow("the disk is full");
    await driver.step();
    (await nextWrite()).resolve();
    await driver.settled();
    expect((await readStatus(store, run))?.status.phase).toBe("Running");
  });
});
