/** A clock that stands still until a test moves it. */
import type { Clock } from "../../src/base/clock.ts";

export type ManualClock = Clock & {
  /** Moves time, and lets whoever slept that long go on. */
  advance(ms: number): void;
  /** How long those who sleep have still to wait, shortest first. */
  sleeps(): readonly number[];
};

export function createManualClock(startMs = 1_000_000): ManualClock {
  let nowMs = startMs;
  const sleepers = new Set<{ readonly untilMs: number; wake(): void }>();
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper = { untilMs: nowMs + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", wake);
      });
    },
    advance(ms) {
      nowMs += ms;
      for (const sleeper of sleepers)
        if (sleeper.untilMs <= nowMs) sleeper.wake();
    },
    sleeps: () =>
      [...sleepers].map(({ untilMs }) => untilMs - nowMs).sort((a, b) => a - b),
  };
}
