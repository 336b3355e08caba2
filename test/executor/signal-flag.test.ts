import { describe, expect, it } from "vitest";
import { createSignalFlag } from "../../src/executor/signal-flag.ts";

const never = new AbortController().signal;

describe("a signal flag", () => {
  it("remembers a change until somebody waits, and then forgets it", async () => {
    const flag = createSignalFlag();
    flag.raise();
    flag.raise();
    await flag.wait(never);
    let isOver = false;
    const second = flag.wait(never).then(() => {
      isOver = true;
    });
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    flag.raise();
    await second;
    expect(isOver).toBe(true);
  });

  it("ends a wait that is given up, before or after it began", async () => {
    const flag = createSignalFlag();
    const stop = new AbortController();
    const waiting = flag.wait(stop.signal);
    stop.abort();
    await waiting;
    await expect(flag.wait(stop.signal)).resolves.toBeUndefined();
  });
});
