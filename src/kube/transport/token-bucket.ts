/**
 * Pacing: `burst` at once, then `perSecond`, in order of arrival. Arithmetic on one number (the generic cell rate
 * algorithm, ITU-T I.371), so that waiting costs one sleep and no timer runs while nobody asks.
 */
import type { Clock } from "../../base/clock.ts";

export type TokenBucket = {
  /** Resolves when the caller may go on, or at once when `signal` aborts. */
  take(signal?: AbortSignal): Promise<void>;
};

export function createTokenBucket(options: {
  readonly perSecond: number;
  readonly burst: number;
  readonly clock: Clock;
}): TokenBucket {
  const { perSecond, burst, clock } = options;
  const intervalMs = 1000 / perSecond;
  /** When the bucket would be full again if nobody asked any more. */
  let fullAtMs = -Infinity;
  return {
    async take(signal) {
      const nowMs = clock.monotonicMs();
      fullAtMs = Math.max(fullAtMs, nowMs) + intervalMs;
      const waitMs = fullAtMs - nowMs - burst * intervalMs;
      if (waitMs > 0) await clock.sleep(waitMs, signal);
    },
  };
}
