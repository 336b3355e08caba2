import { describe, expect, it } from "vitest";
import { StoppedError } from "../../src/base/errors.ts";
import { createTimeLimit } from "../../src/worker/time-limit.ts";
import { createManualClock } from "../support/manual-clock.ts";

const open = (limitMs: number | null) => {
  const clock = createManualClock();
  const over = new AbortController();
  return {
    clock,
    over,
    limit: createTimeLimit(limitMs, { clock, over: over.signal }),
  };
};
const stop = () => Promise.reject(new StoppedError("told to stop"));

describe("a worker's time limit", () => {
  it("stops the task, and is then the reason of its end", async () => {
    const { clock, limit } = open(60_000);
    clock.advance(59_999);
    await Promise.resolve();
    expect(limit.signal.aborted).toBe(false);
    clock.advance(1);
    await Promise.resolve();
    await Promise.resolve();
    expect(limit.signal.aborted).toBe(true);
    await expect(limit.explain(stop)).rejects.toMatchObject({
      code: "worker.deadline",
      message: "over its time limit of 60 s",
      exitCode: 65,
    });
  });

  it("is no reason for a stop before it, nor for another error after it", async () => {
    const { clock, limit } = open(60_000);
    await expect(limit.explain(stop)).rejects.toBeInstanceOf(StoppedError);
    clock.advance(60_000);
    await Promise.resolve();
    await Promise.resolve();
    const bug = new TypeError("x");
    await expect(limit.explain(() => Promise.reject(bug))).rejects.toBe(bug);
    await expect(limit.explain(() => Promise.resolve(3))).resolves.toBe(3);
  });

  it("keeps no timer where there is none, nor after the end", () => {
    expect(open(null).clock.sleeps()).toEqual([]);
    const { clock, over } = open(60_000);
    over.abort();
    expect(clock.sleeps()).toEqual([]);
  });
});
