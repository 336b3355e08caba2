/**
 * Keys to be looked at, by a few workers.
 *
 * Q1 A key waits once however often it is added, and is worked on by one worker at a time. Added while it is worked on,
 *    it is worked on again afterwards: no change is missed.
 * Q2 Work that throws is done again, with a growing, jittered delay of its own; success forgets the delays.
 * Q3 Keys are taken in the order in which they came. One that fails often is behind, not in the way.
 * Q4 `close` starts nothing more and waits for what is under way.
 */
import type { Clock } from "../base/clock.ts";
import { toError, TransientError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { createAlarms } from "./alarms.ts";

export type WorkQueue = {
  add(key: string): void;
  /** Adds the key in `ms`; if it is to be added later already, at the earlier moment. */
  addAfter(key: string, ms: number): void;
  /** For metrics. */
  stats(): QueueStats;
  close(): Promise<void>;
};

export type QueueStats = {
  readonly waiting: number;
  /** Waiting for their moment: `addAfter`, and failures. */
  readonly delayed: number;
  readonly working: number;
  readonly failures: number;
};

/** For metrics: how long a key waited and was worked on. */
export type WorkDone = {
  readonly key: string;
  readonly waitedMs: number;
  readonly workedMs: number;
  readonly failed: boolean;
};

export type WorkQueueOptions = {
  /** The signal aborts when the queue closes. */
  readonly work: (key: string, signal: AbortSignal) => Promise<void>;
  readonly workers: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly onWork?: ((done: WorkDone) => void) | undefined;
  /** Default 200. */
  readonly firstDelayMs?: number;
  /** Default 5 minutes. */
  readonly maxDelayMs?: number;
};

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { work, workers, clock, random, log, onWork } = options;
  const { firstDelayMs = 200, maxDelayMs = 300_000 } = options;
  /** When each key came. In order of their coming, as maps are (Q3). */
  const waiting = new Map<string, number>();
  /** Value: it was added meanwhile (Q1). */
  const working = new Map<string, boolean>();
  const failuresInARow = new Map<string, number>();
  const closing = new AbortController();
  const underWay = new Set<Promise<void>>();
  const alarms = createAlarms(clock, add);
  let failures = 0;

  function add(key: string): void {
    if (closing.signal.aborted) return;
    if (working.has(key)) working.set(key, true);
    else if (!waiting.has(key)) waiting.set(key, clock.monotonicMs());
    dispatch();
  }

  function dispatch(): void {
    for (const [key, sinceMs] of waiting) {
      if (working.size >= workers || closing.signal.aborted) return;
      waiting.delete(key);
      working.set(key, false);
      const doing = handle(key, sinceMs).finally(() => underWay.delete(doing));
      underWay.add(doing);
    }
  }

  async function handle(key: string, sinceMs: number): Promise<void> {
    const startMs = clock.monotonicMs();
    const failed = !(await attempt(key));
    const again = working.get(key) ?? false;
    working.delete(key);
    onWork?.({
      key,
      waitedMs: startMs - sinceMs,
      workedMs: clock.monotonicMs() - startMs,
      failed,
    });
    if (again) add(key);
    else dispatch();
  }

  async function attempt(key: string): Promise<boolean> {
    try {
      await work(key, closing.signal);
      failuresInARow.delete(key);
      return true;
    } catch (thrown) {
      // What was stopped has not failed.
      if (closing.signal.aborted) return true;
      const count = (failuresInARow.get(key) ?? 0) + 1;
      failuresInARow.set(key, count);
      failures++;
      const delayMs = toDelayMs(thrown, count);
      alarms.set(key, delayMs);
      const error = toError(thrown);
      log.warn({ key, count, delayMs, error }, "work failed and is done again");
      return false;
    }
  }

  function toDelayMs(thrown: unknown, count: number): number {
    const askedMs =
      thrown instanceof TransientError ? (thrown.retryAfterMs ?? 0) : 0;
    const growingMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (count - 1));
    return Math.round(Math.max(askedMs, growingMs * (0.5 + random() / 2)));
  }

  return {
    add,
    addAfter(key, ms) {
      if (!closing.signal.aborted) alarms.set(key, ms);
    },
    stats: () => ({
      waiting: waiting.size,
      delayed: alarms.size,
      working: working.size,
      failures,
    }),
    async close() {
      closing.abort();
      waiting.clear();
      await alarms.close();
      await Promise.all(underWay);
    },
  };
}
