/** Keys and the moments at which they ring: one sleep for all of them, until the earliest. */
import type { Clock } from "../base/clock.ts";

/** Timers are no finer: a moment that is earlier by less can wait for the sleep to end. */
const TIMER_MS = 1;

export type Alarms = {
  readonly size: number;
  /** In `ms`, or earlier if it is set to an earlier moment already. */
  set(key: string, ms: number): void;
  /** Nothing rings any more. */
  close(): Promise<void>;
};

export function createAlarms(
  clock: Clock,
  ring: (key: string) => void,
): Alarms {
  const moments = new Map<string, number>();
  let sleep: {
    readonly untilMs: number;
    readonly cut: AbortController;
  } | null = null;
  let loop: Promise<void> = Promise.resolve();
  let isRunning = false;

  function ringDue(): void {
    const nowMs = clock.monotonicMs();
    for (const [key, atMs] of moments)
      if (atMs <= nowMs) {
        moments.delete(key);
        ring(key);
      }
  }
  async function run(): Promise<void> {
    for (;;) {
      ringDue();
      if (moments.size === 0) break;
      const untilMs = earliest(moments.values());
      const cut = new AbortController();
      sleep = { untilMs, cut };
      await clock.sleep(untilMs - clock.monotonicMs(), cut.signal);
    }
    sleep = null;
    isRunning = false;
  }

  return {
    get size() {
      return moments.size;
    },
    set(key, ms) {
      const atMs = clock.monotonicMs() + ms;
      moments.set(key, Math.min(atMs, moments.get(key) ?? Infinity));
      if (sleep && atMs < sleep.untilMs - TIMER_MS) sleep.cut.abort();
      if (isRunning) return;
      isRunning = true;
      loop = run();
    },
    async close() {
      moments.clear();
      sleep?.cut.abort();
      await loop;
    },
  };
}

function earliest(moments: Iterable<number>): number {
  let first = Infinity;
  for (const moment of moments) first = Math.min(first, moment);
  return first;
}
