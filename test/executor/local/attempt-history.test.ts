import { describe, expect, it } from "vitest";
import { openAttemptHistory } from "../../../src/executor/local/attempt-history.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";

const end = { atMs: 20, exitCode: 70, cause: null, reason: "a bug" } as const;

describe("the history of attempts", () => {
  it("is there again for the next driver", async () => {
    const store = createMemoryStore();
    const first = await openAttemptHistory({ store, run: "r", nowMs: 0 });
    await first.begin("a", 1, 10);
    await first.end("a", end);
    const second = await openAttemptHistory({ store, run: "r", nowMs: 99 });
    expect(second.attemptsOf("a")).toEqual([
      { number: 1, startedAtMs: 10, end },
    ]);
    expect(second.attemptsOf("b")).toEqual([]);
  });

  it("takes an attempt of a dead driver as stopped, not as failed", async () => {
    const store = createMemoryStore();
    const first = await openAttemptHistory({ store, run: "r", nowMs: 0 });
    await first.begin("a", 1, 10);
    const second = await openAttemptHistory({ store, run: "r", nowMs: 99 });
    expect(second.attemptsOf("a")[0]?.end).toMatchObject({
      atMs: 99,
      cause: "stopped-by-us",
    });
  });

  it("is written in order, although nobody waits for a write before the next one", async () => {
    const inner = createMemoryStore();
    const waiting: (() => void)[] = [];
    const put = async (path: string, bytes: Uint8Array): Promise<void> => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      await inner.put(path, bytes);
    };
    const slow = { ...inner, put };
    const history = await openAttemptHistory({
      store: slow,
      run: "r",
      nowMs: 0,
    });
    const writes = [
      history.begin("a", 1, 10),
      history.end("a", end),
      history.begin("a", 2, 30),
    ];
    expect(history.attemptsOf("a")).toHaveLength(2);
    for (let i = 0; i < writes.length; i++) {
      expect(waiting).toHaveLength(1);
      waiting.pop()?.();
      await writes[i];
      await new Promise(setImmediate);
    }
    const next = await openAttemptHistory({
      store: inner,
      run: "r",
      nowMs: 99,
    });
    expect(next.attemptsOf("a").map(({ number }) => number)).toEqual([1, 2]);
  });

  it("names the object that is not a history", async () => {
    const store = createMemoryStore();
    await store.put("runs/r/attempts/a.json", Buffer.from("{"));
    await expect(
      openAttemptHistory({ store, run: "r", nowMs: 0 }),
    ).rejects.toMatchObject({
      code: "run.attempts-corrupt",
      message: expect.stringContaining("runs/r/attempts/a.json"),
    });
  });
});
