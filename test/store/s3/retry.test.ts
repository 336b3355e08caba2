import { describe, expect, test } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import { TransientError } from "../../../src/base/errors.ts";
import { UnusableAnswer } from "../../../src/store/s3/failure.ts";
import { createGate } from "../../../src/store/s3/gate.ts";
import { createRetry } from "../../../src/store/s3/retry.ts";

/** Time passes by sleeping alone. */
function createSleepingClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  const total = (): number => slept.reduce((sum, ms) => sum + ms, 0);
  return {
    slept,
    now: total,
    monotonicMs: total,
    async sleep(ms) {
      slept.push(ms);
    },
  };
}

const limits = {
  tries: 6,
  windowMs: 10_000,
  firstDelayMs: 100,
  maxDelayMs: 1_000,
};

function create(
  random: number,
  change: {
    windowMs?: number;
    refreshes?: number;
    refresh?: () => Promise<boolean>;
  } = {},
) {
  const clock = createSleepingClock();
  let refreshes = change.refreshes ?? 0;
  const retry = createRetry({
    url: "s3://b",
    gate: createGate(4),
    limits: { ...limits, windowMs: change.windowMs ?? limits.windowMs },
    clock,
    random: () => random,
    refreshCredentials: change.refresh ?? (async () => refreshes-- > 0),
  });
  return { clock, retry };
}

const answer = (name: string, statusCode: number, retryAfter?: string): Error =>
  Object.assign(new Error(name), {
    name,
    $metadata: { httpStatusCode: statusCode },
    $response: {
      statusCode,
      headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
    },
  });

const failing = (error: Error) => async (): Promise<never> => {
  throw error;
};

describe("tries", () => {
  test("wait up to twice as long each time, to a maximum, and end", async () => {
    const { clock, retry } = create(1);
    const call = retry.run("read 'a'", failing(answer("InternalError", 500)));
    await expect(call).rejects.toThrow(
      /cannot read 'a' in s3:\/\/b, after 6 tries: InternalError/,
    );
    await expect(call).rejects.toBeInstanceOf(TransientError);
    expect(clock.slept).toEqual([100, 200, 400, 800, 1_000]);
  });

  test("are spread over the whole delay, from nothing on", async () => {
    const { clock, retry } = create(0.25);
    const call = retry.run("x", failing(answer("SlowDown", 503)));
    await expect(call).rejects.toBeInstanceOf(TransientError);
    expect(clock.slept).toEqual([25, 50, 100, 200, 250]);
  });

  test("wait as long as the server asks for", async () => {
    const { clock, retry } = create(0);
    const call = retry.run("x", failing(answer("SlowDown", 503, "2")));
    await expect(call).rejects.toMatchObject({ retryAfterMs: 2_000 });
    expect(clock.slept).toEqual([2_000, 2_000, 2_000, 2_000, 2_000]);
  });

  test("end when the time is over, before the next delay", async () => {
    const { clock, retry } = create(1, { windowMs: 650 });
    const call = retry.run("x", failing(answer("InternalError", 500)));
    await expect(call).rejects.toThrow(/after 3 tries/);
    expect(clock.slept).toEqual([100, 200]);
  });

  test("that get further do not count", async () => {
    const { retry } = create(0);
    let sent = 0;
    const value = await retry.run("x", async (attempt) => {
      if (++sent === 50) return "whole";
      attempt.progress();
      throw new UnusableAnswer("broke off");
    });
    expect(value).toBe("whole");
  });

  test("are not made of what is a bug: it comes back as it is", async () => {
    const { clock, retry } = create(0);
    const bug = new TypeError("x is not a function");
    await expect(retry.run("x", failing(bug))).rejects.toBe(bug);
    expect(clock.slept).toEqual([]);
  });

  test("with expired credentials end with what keeps new ones from coming, or wait for who gives them", async () => {
    const expired = failing(answer("ExpiredToken", 400));
    const session = Object.assign(new Error("the session has ended"), {
      name: "TokenProviderError",
    });
    const ended = create(0, { refresh: failing(session) });
    await expect(ended.retry.run("x", expired)).rejects.toMatchObject({
      code: "store.credentials",
      message: expect.stringContaining("the session has ended"),
    });
    const away = create(1, { refresh: failing(answer("InternalError", 500)) });
    let tries = 0;
    const call = away.retry.run("x", () =>
      ++tries < 2 ? expired() : Promise.resolve("read"),
    );
    expect(await call).toBe("read");
    expect(away.clock.slept).toEqual([100]);
    const both = create(0, { refresh: expired });
    await expect(both.retry.run("x", expired)).rejects.toMatchObject({
      code: "store.credentials",
      hint: expect.stringContaining("get new ones"),
    });
  });

  test("with expired credentials are made again only after new ones came", async () => {
    const { retry } = create(0, { refreshes: 1 });
    let sent = 0;
    const send = async (): Promise<string> => {
      if (++sent === 2) return "done";
      throw answer("ExpiredToken", 400);
    };
    expect(await retry.run("x", send)).toBe("done");
    await expect(
      retry.run("x", failing(answer("ExpiredToken", 400))),
    ).rejects.toMatchObject({ code: "store.credentials" });
  });
});
