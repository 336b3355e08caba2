/** Requests that are late are sent a second time, within bounds. Time is the test's own. */
import { describe, expect, test } from "vitest";
import { createHedge, Overtaken } from "../../../src/store/s3/hedge.ts";
import type { Hedge } from "../../../src/store/s3/hedge.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import type { ManualClock } from "../../support/manual-clock.ts";

const mebibyte = 1024 * 1024;

type Sent = {
  readonly isSecond: boolean;
  readonly signal: AbortSignal;
  answer(value: string): void;
  fail(error: Error): void;
};

/** Requests that end when the test says so. */
function createRequests() {
  const sent: Sent[] = [];
  const send = (signal: AbortSignal, begun: () => void, isSecond: boolean) => {
    begun();
    return new Promise<string>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
      sent.push({ isSecond, signal, answer: resolve, fail: reject });
    });
  };
  return { sent, send };
}

/** Lets everything go on that waits for nothing but its turn. */
const settle = (): Promise<void> =>
  new Promise((resolve) => setImmediate(resolve));

/** A hedge that has seen `count` requests of 1 MiB, each of 200 ms. */
async function start(options: {
  readonly count: number;
  readonly isCalm?: () => boolean;
}): Promise<{ hedge: Hedge; clock: ManualClock }> {
  const clock = createManualClock();
  const isCalm = options.isCalm ?? (() => true);
  const hedge = createHedge({ clock, isCalm });
  for (let i = 0; i < options.count; i++)
    await hedge.run(mebibyte, async (_signal, begun) => {
      begun();
      clock.advance(200);
    });
  return { hedge, clock };
}

describe("a request that takes twice as long as nearly all before it", () => {
  test("is sent a second time; the answer that is first counts, the other is given up", async () => {
    const { hedge, clock } = await start({ count: 40 });
    const { sent, send } = createRequests();
    const got = hedge.run(2 * mebibyte, send);
    await settle();
    // Twice the size: twice the time.
    clock.advance(799);
    await settle();
    expect(sent).toHaveLength(1);
    clock.advance(1);
    await settle();
    expect(sent.map(({ isSecond }) => isSecond)).toEqual([false, true]);
    sent[1]?.answer("second");
    expect(await got).toBe("second");
    expect(sent[0]?.signal.reason).toBeInstanceOf(Overtaken);
  });

  test("may still be the first to answer", async () => {
    const { hedge, clock } = await start({ count: 40 });
    const { sent, send } = createRequests();
    const got = hedge.run(mebibyte, send);
    await settle();
    clock.advance(400);
    await settle();
    sent[0]?.answer("first");
    expect(await got).toBe("first");
    expect(sent[1]?.signal.reason).toBeInstanceOf(Overtaken);
  });

  test("fails only if the second one fails as well, with its own failure", async () => {
    const { hedge, clock } = await start({ count: 80 });
    const one = createRequests();
    const got = hedge.run(mebibyte, one.send);
    await settle();
    clock.advance(400);
    await settle();
    one.sent[0]?.fail(new Error("the first broke"));
    one.sent[1]?.answer("second");
    expect(await got).toBe("second");

    const both = createRequests();
    const lost = hedge.run(mebibyte, both.send);
    await settle();
    clock.advance(400);
    await settle();
    both.sent[1]?.fail(new Error("the second broke"));
    both.sent[0]?.fail(new Error("the first broke"));
    await expect(lost).rejects.toThrow("the first broke");
  });
});

describe("no second request is sent", () => {
  /** How many requests a late one becomes. */
  async function count(
    { hedge, clock }: { hedge: Hedge; clock: ManualClock },
    sizeBytes = mebibyte,
  ): Promise<number> {
    const { sent, send } = createRequests();
    const got = hedge.run(sizeBytes, send);
    await settle();
    clock.advance(60_000);
    await settle();
    sent[0]?.answer("first");
    await got;
    return sent.length;
  }

  test("before it is known what is usual", async () => {
    expect(await count(await start({ count: 10 }))).toBe(1);
  });

  test("for a small range", async () => {
    expect(await count(await start({ count: 40 }), 4096)).toBe(1);
  });

  test("while the server asks for fewer", async () => {
    const isCalm = (): boolean => false;
    expect(await count(await start({ count: 40, isCalm }))).toBe(1);
  });

  test("for more than one request in twenty, however many are late", async () => {
    const hedged = await start({ count: 40 });
    let sent = 0;
    for (let i = 0; i < 200; i++) sent += await count(hedged);
    expect(sent - 200).toBeLessThanOrEqual((40 + 200) * 0.05);
    expect(sent - 200).toBeGreaterThan(0);
  });

  test("for one that fails before it is late", async () => {
    const { hedge } = await start({ count: 40 });
    const broken = new Error("broken");
    await expect(
      hedge.run(mebibyte, async () => {
        throw broken;
      }),
    ).rejects.toBe(broken);
  });
});
