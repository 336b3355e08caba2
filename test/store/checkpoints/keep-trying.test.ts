import { expect, test } from "vitest";
import { TransientError, UserError } from "../../../src/base/errors.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { keepTrying } from "../../../src/store/checkpoints/keep-trying.ts";

/** A clock on which whoever sleeps is the only one. */
function sleepingClock(): Clock & { readonly slept: number[] } {
  let nowMs = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => nowMs,
    monotonicMs: () => nowMs,
    async sleep(ms) {
      slept.push(ms);
      nowMs += ms;
    },
  };
}

const away = (retryAfterMs?: number) =>
  new TransientError({
    code: "store.away",
    message: "no route",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

function start(errors: readonly Error[], outageMs: number) {
  const clock = sleepingClock();
  const left = [...errors];
  const waits: string[] = [];
  const work = async () => {
    const error = left.shift();
    if (error) throw error;
    return "done";
  };
  const result = keepTrying("the checkpoint of step 5", work, {
    clock,
    outageMs,
    onWaiting: (reason) => waits.push(reason),
  });
  return { result, clock, waits };
}

test("waits longer each time, up to half a minute, says why, and goes on when it works", async () => {
  const errors = Array.from({ length: 7 }, () => away());
  const { result, clock, waits } = start(errors, 3_600_000);
  expect(await result).toBe("done");
  expect(clock.slept).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ]);
  expect(waits).toEqual(errors.map(() => "no route"));
});

test("waits as long as the store asks for", async () => {
  const { result, clock } = start([away(5_000)], 60_000);
  await result;
  expect(clock.slept).toEqual([5_000]);
});

test("gives up when the declared time is over, with the store's reason", async () => {
  const errors = Array.from({ length: 99 }, () => away());
  const { result, clock } = start(errors, 60_000);
  await expect(result).rejects.toMatchObject({
    name: "TransientError",
    code: "store.away",
    message:
      "the checkpoint of step 5 could not be written for 60 s ('checkpoint.outage'): no route",
  });
  expect(clock.monotonicMs()).toBeLessThanOrEqual(60_000);
});

test.each([
  new UserError({ code: "store.full", message: "full" }),
  new TransientError({ code: "claim.lost", message: "lost" }),
  new Error("a bug"),
])("waits for nothing that waiting does not mend: %s", async (error) => {
  const { result, clock } = start([error], 60_000);
  await expect(result).rejects.toBe(error);
  expect(clock.slept).toEqual([]);
});
