/**
 * Asking a second time for what is late: of many ranges one is slow now and then (a busy disk, a lost packet), and all
 * wait for it. The first answer counts, the other request is given up.
 *
 * H1 Late is twice the 95th percentile of what the last ranges took for their size.
 * H2 At most one request in twenty is sent a second time, and none while the server asks for fewer.
 */
import type { Clock } from "../../base/clock.ts";

const minBytes = 1024 * 1024;
const minLateMs = 100;
const minSamples = 20;
const maxSamples = 100;
/** Requests that may be sent a second time for each that is sent. */
const share = 0.05;
const maxSaved = 4;

/** Why a request that lost was given up. */
export class Overtaken extends Error {
  override readonly name = "Overtaken";
}

/** Sends a request; `begun` is to be called when it leaves, after any wait for its turn. */
export type Send<T> = (
  signal: AbortSignal,
  begun: () => void,
  isSecond: boolean,
) => Promise<T>;

export type Hedge = {
  run<T>(sizeBytes: number, send: Send<T>): Promise<T>;
};

export function createHedge(options: {
  readonly clock: Clock;
  /** Whether the server bears as many requests as it is sent. */
  isCalm(): boolean;
}): Hedge {
  const { clock } = options;
  /** Milliseconds a MiB, of the last requests. */
  const paces: number[] = [];
  let saved = 0;

  function remember(tookMs: number, sizeBytes: number): void {
    paces.push(tookMs / (sizeBytes / minBytes));
    if (paces.length > maxSamples) paces.shift();
  }

  /** H1. */
  function toLateMs(sizeBytes: number): number | null {
    if (paces.length < minSamples) return null;
    const sorted = paces.toSorted((a, b) => a - b);
    const slow = sorted[Math.floor(sorted.length * 0.95)] ?? 0;
    return Math.max(minLateMs, 2 * slow * (sizeBytes / minBytes));
  }

  function start<T>(sizeBytes: number, send: Send<T>, isSecond: boolean) {
    const stop = new AbortController();
    let startMs = clock.monotonicMs();
    let begun = (): void => undefined;
    const leaving = new Promise<void>((resolve) => {
      begun = () => {
        startMs = clock.monotonicMs();
        resolve();
      };
    });
    const value = send(stop.signal, begun, isSecond).then((got) => {
      remember(clock.monotonicMs() - startMs, sizeBytes);
      return got;
    });
    return { value, leaving, stop: () => stop.abort(new Overtaken()) };
  }

  return {
    async run(sizeBytes, send) {
      if (sizeBytes < minBytes) {
        return send(new AbortController().signal, () => undefined, false);
      }
      saved = Math.min(maxSaved, saved + share);
      const lateMs = toLateMs(sizeBytes);
      const first = start(sizeBytes, send, false);
      if (lateMs === null) return first.value;
      const isLate = await outlasts(first, lateMs, clock);
      // H2.
      if (!isLate || saved < 1 || !options.isCalm()) return first.value;
      saved -= 1;
      const second = start(sizeBytes, send, true);
      try {
        return await Promise.any([first.value, second.value]);
      } catch {
        // Both failed; the first one's failure is the one to be told.
        return await first.value;
      } finally {
        first.stop();
        second.stop();
      }
    },
  };
}

/** Whether a request takes longer than `lateMs` from when it left. Its failure is no concern here. */
async function outlasts(
  request: {
    readonly value: Promise<unknown>;
    readonly leaving: Promise<void>;
  },
  lateMs: number,
  clock: Clock,
): Promise<boolean> {
  const ended = new AbortController();
  const end = request.value.then(
    () => false,
    () => false,
  );
  const late = request.leaving
    .then(() => clock.sleep(lateMs, ended.signal))
    .then(() => true);
  try {
    return await Promise.race([end, late]);
  } finally {
    ended.abort();
  }
}
