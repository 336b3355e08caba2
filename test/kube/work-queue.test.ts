import { describe, expect, it } from "vitest";
import { TransientError } from "../../src/base/errors.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createWorkQueue } from "../../src/kube/work-queue.ts";
import type { WorkDone, WorkQueueOptions } from "../../src/kube/work-queue.ts";
import { createSimulatedClock } from "../support/simulated-clock.ts";

/** A queue whose work is noted with its time, and takes as long as `takes` says. */
function open(
  more: Partial<WorkQueueOptions> = {},
  takes: (key: string, signal: AbortSignal) => Promise<void> = () =>
    Promise.resolve(),
) {
  const clock = createSimulatedClock();
  const startMs = clock.monotonicMs();
  const begun: string[] = [];
  const queue = createWorkQueue({
    async work(key, signal) {
      begun.push(`${key} at ${clock.monotonicMs() - startMs}`);
      await takes(key, signal);
    },
    workers: 1,
    clock,
    random: () => 0.5,
    log: silentLogger,
    ...more,
  });
  return { clock, queue, begun };
}

describe("a work queue", () => {
  it("has a key once, however often it is added", async () => {
    const { clock, queue, begun } = open();
    queue.add("busy");
    ["a", "b", "a", "a"].forEach(queue.add);
    await clock.elapse(0);
    expect(begun).toEqual(["busy at 0", "a at 0", "b at 0"]);
  });

  it("works again on a key that was added while it was worked on, never twice at once", async () => {
    let atOnce = 0;
    const test = open({ workers: 4 }, async () => {
      expect(++atOnce).toBe(1);
      await test.clock.sleep(100);
      atOnce--;
    });
    test.queue.add("a");
    await test.clock.elapse(50);
    ["a", "a"].forEach(test.queue.add);
    await test.clock.elapse(500);
    expect(test.begun).toEqual(["a at 0", "a at 100"]);
  });

  it("has as many workers as it is given", async () => {
    const test = open({ workers: 2 }, () => test.clock.sleep(100));
    ["a", "b", "c"].forEach(test.queue.add);
    await test.clock.elapse(0);
    expect(test.queue.stats()).toMatchObject({ working: 2, waiting: 1 });
    await test.clock.elapse(200);
    expect(test.begun).toEqual(["a at 0", "b at 0", "c at 100"]);
  });

  it("does failed work again after growing delays, up to a limit, and forgets them on success", async () => {
    let failures = 5;
    const test = open({ firstDelayMs: 100, maxDelayMs: 400 }, () =>
      failures-- > 0 ? Promise.reject(new Error("no")) : Promise.resolve(),
    );
    test.queue.add("a");
    await test.clock.elapse(10_000);
    const wanted = [0, 75, 225, 525, 825, 1125].map((ms) => `a at ${ms}`);
    expect(test.begun).toEqual(wanted);
    failures = 1;
    test.queue.add("a");
    await test.clock.elapse(10_000);
    expect(test.begun.slice(6)).toEqual(["a at 10000", "a at 10075"]);
    expect(test.queue.stats().failures).toBe(6);
  });

  it("does not let a key that fails hold up the others", async () => {
    const test = open({}, (key) =>
      key === "bad" ? Promise.reject(new Error("no")) : Promise.resolve(),
    );
    ["bad", "good"].forEach(test.queue.add);
    await test.clock.elapse(0);
    expect(test.begun).toEqual(["bad at 0", "good at 0"]);
  });

  it("waits as long as whoever refused asks for", async () => {
    let isFirst = true;
    const test = open({}, () => {
      if (!isFirst) return Promise.resolve();
      isFirst = false;
      const retryAfterMs = 9_000;
      return Promise.reject(
        new TransientError({ code: "busy", message: "busy", retryAfterMs }),
      );
    });
    test.queue.add("a");
    await test.clock.elapse(20_000);
    expect(test.begun).toEqual(["a at 0", "a at 9000"]);
  });

  it("adds a key later, at the earliest of the moments that were asked for", async () => {
    const { clock, queue, begun } = open();
    queue.addAfter("a", 500);
    queue.addAfter("a", 200);
    queue.addAfter("a", 900);
    queue.addAfter("b", 100);
    await clock.elapse(1000);
    expect(begun).toEqual(["b at 100", "a at 200"]);
    expect(clock.sleepers()).toBe(0);
  });

  it("says how long keys waited and were worked on", async () => {
    const done: WorkDone[] = [];
    const test = open({ onWork: (one) => done.push(one) }, () =>
      test.clock.sleep(30),
    );
    ["a", "b"].forEach(test.queue.add);
    await test.clock.elapse(100);
    expect(done).toEqual([
      { key: "a", waitedMs: 0, workedMs: 30, failed: false },
      { key: "b", waitedMs: 30, workedMs: 30, failed: false },
    ]);
  });

  it("closes when what is under way has ended, and starts nothing more", async () => {
    const test = open({}, async (_, signal) => {
      await test.clock.sleep(1_000_000, signal);
      throw new Error("stopped");
    });
    ["a", "b"].forEach(test.queue.add);
    test.queue.addAfter("c", 10);
    await test.clock.elapse(0);
    await test.queue.close();
    test.queue.add("d");
    test.queue.addAfter("e", 0);
    await test.clock.elapse(100);
    expect(test.begun).toEqual(["a at 0"]);
    expect(test.queue.stats()).toEqual({
      waiting: 0,
      delayed: 0,
      working: 0,
      failures: 0,
    });
    expect(test.clock.sleepers()).toBe(0);
  });
});
