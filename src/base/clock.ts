/**
 * Time as a parameter, so that whatever waits can be tested without waiting.
 * `now` is wall time (records, heartbeats); `monotonicMs` measures spans and never goes back.
 */
import { setTimeout as delay } from "node:timers/promises";

export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number;
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (thrown) {
      if (!signal?.aborted) throw thrown;
    }
  },
};
