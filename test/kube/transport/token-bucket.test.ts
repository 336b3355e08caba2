import { expect, it } from "vitest";
import { createTokenBucket } from "../../../src/kube/transport/token-bucket.ts";
import { createSimulatedClock } from "../../support/simulated-clock.ts";

it("lets a burst through at once and then so many a second, in order of arrival", async () => {
  const clock = createSimulatedClock();
  const bucket = createTokenBucket({ perSecond: 10, burst: 3, clock });
  const startMs = clock.monotonicMs();
  const passed: string[] = [];
  const asked = [0, 1, 2, 3, 4].map(async (n) => {
    await bucket.take();
    passed.push(`${n} after ${clock.monotonicMs() - startMs} ms`);
  });
  await clock.elapse(1000);
  await Promise.all(asked);
  expect(passed).toEqual([
    "0 after 0 ms",
    "1 after 0 ms",
    "2 after 0 ms",
    "3 after 100 ms",
    "4 after 200 ms",
  ]);
});

it("is full again after a pause, and not fuller than full", async () => {
  const clock = createSimulatedClock();
  const bucket = createTokenBucket({ perSecond: 10, burst: 2, clock });
  await bucket.take();
  await clock.elapse(60_000);
  await Promise.all([bucket.take(), bucket.take()]);
  const third = bucket.take();
  await clock.elapse(0);
  expect(clock.sleepers()).toBe(1);
  await clock.elapse(100);
  await third;
});
