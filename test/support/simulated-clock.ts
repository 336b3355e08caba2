/** A manual clock for simulations: time goes by in order, and who wakes runs on until it waits again. */
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../src/base/clock.ts";
import { createManualClock } from "./manual-clock.ts";

export type SimulatedClock = Clock & {
  /** Lets `ms` go by. */
  elapse(ms: number): Promise<void>;
  /** How many sleep now. */
  sleepers(): number;
};

export function createSimulatedClock(): SimulatedClock {
  const clock = createManualClock();
  return {
    now: clock.now,
    monotonicMs: clock.monotonicMs,
    sleep: clock.sleep,
    async elapse(ms) {
      const endMs = clock.monotonicMs() + ms;
      for (;;) {
        await setImmediate();
        const nextMs = clock.sleeps()[0] ?? Infinity;
        if (clock.monotonicMs() + nextMs > endMs) break;
        clock.advance(nextMs);
      }
      clock.advance(endMs - clock.monotonicMs());
    },
    sleepers: () => clock.sleeps().length,
  };
}
