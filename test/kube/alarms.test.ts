/** Keys and moments: one sleep for all of them. */
import { expect, test } from "vitest";
import { createAlarms } from "../../src/kube/alarms.ts";
import { createSimulatedClock } from "../support/simulated-clock.ts";

function open() {
  const clock = createSimulatedClock();
  const startMs = clock.monotonicMs();
  const sleeps: number[] = [];
  const rung: string[] = [];
  const counted = {
    ...clock,
    sleep(ms: number, signal?: AbortSignal) {
      sleeps.push(ms);
      return clock.sleep(ms, signal);
    },
  };
  const alarms = createAlarms(counted, (key) =>
    rung.push(`${key} at ${clock.monotonicMs() - startMs}`),
  );
  return { clock, alarms, sleeps, rung };
}

test("an earlier moment cuts the sleep short, a later one does not", async () => {
  const { clock, alarms, sleeps, rung } = open();
  alarms.set("late", 500);
  alarms.set("later", 700);
  await clock.elapse(100);
  alarms.set("soon", 50);
  await clock.elapse(1000);
  expect(rung).toEqual(["soon at 150", "late at 500", "later at 700"]);
  expect(sleeps).toEqual([500, 50, 350, 200]);
});

test("the moment that is set for a key, said again and again, starts no other sleep", async () => {
  const { clock, alarms, sleeps, rung } = open();
  alarms.set("run", 500);
  await clock.elapse(100);
  // As a thousand pods say it, each computed from a clock that goes on.
  for (let k = 0; k < 1000; k++) alarms.set("run", 400 - 0.0005 * k);
  await clock.elapse(400);
  expect(rung).toEqual(["run at 500"]);
  expect(sleeps).toHaveLength(1);
});
