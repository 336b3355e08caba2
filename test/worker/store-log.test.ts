import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { createStoreLog } from "../../src/worker/store-log.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { waitFor } from "../support/wait-for.ts";

function arrange(change: Partial<Store> = {}) {
  const inner = createMemoryStore();
  const clock = createManualClock();
  const storeLog = createStoreLog(clock);
  const where = { store: { ...inner, ...change }, run: "r", task: "t" };
  const text = async (): Promise<string> =>
    Buffer.from((await inner.read("runs/r/logs/t.log")) ?? []).toString();
  return {
    clock,
    storeLog,
    text,
    open: () => storeLog.open({ ...where, log: silentLogger }),
  };
}

describe("a worker's log in the store", () => {
  it("has what was said before the task was known, every few seconds, and the last words", async () => {
    const { clock, storeLog, open, text } = arrange();
    storeLog.write("one\n");
    open();
    storeLog.write("two\n");
    expect(await text()).toBe("");
    clock.advance(5000);
    await waitFor("the first lines", async () =>
      (await text()) === "one\ntwo\n" ? true : null,
    );
    storeLog.write("last\n");
    await storeLog.close();
    expect(await text()).toBe("one\ntwo\nlast\n");
  });

  it("does not keep a worker whose store does not answer", async () => {
    const { clock, storeLog, open } = arrange({
      append: () => new Promise(() => undefined),
    });
    open();
    storeLog.write("one\n");
    const closing = storeLog.close();
    await waitFor("the wait for the store", () =>
      clock.sleeps().includes(10_000) ? true : null,
    );
    clock.advance(10_000);
    await closing;
  });

  it("closes though the task was never known", async () => {
    const { clock, storeLog } = arrange();
    storeLog.write("one\n");
    await storeLog.close();
    // A wait that is left behind keeps the process.
    expect(clock.sleeps()).toEqual([]);
  });
});
