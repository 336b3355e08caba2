/**
 * Where a loader's time goes, and what to make faster first.
 *
 * The rule: a training that waits for batches less than 5 % of the time keeps the loader waiting, not the other way round:
 * `training`. Otherwise, if the threads were idle for bytes at least 10 % of their time, faster decoding would only have
 * them wait more: `storage`. Otherwise they were busy: `decode`.
 */
import type { LoaderReport } from "./loader.ts";
import type { ThreadAnswer } from "./messages.ts";

const TRAINER_WAITS = 0.05;
const THREADS_WAIT = 0.1;

/** Why no more images can be ordered now. */
export type Obstacle = "bytes" | "slot";

export type LoaderMeter = {
  count(answer: ThreadAnswer): void;
  /** From now on so many threads have nothing to do, for a reason. */
  setIdle(threads: number, obstacle: Obstacle): void;
  trainerWaited(ms: number): void;
  /** Sums since the last report. */
  report(heldBytes: number): LoaderReport;
};

const ZERO = {
  images: 0,
  bytesFetched: 0,
  requests: 0,
  cacheHits: 0,
  fetchMs: 0,
  decodeMs: 0,
  cropMs: 0,
  waitForBytesMs: 0,
  waitForSlotMs: 0,
  trainerWaitMs: 0,
};

export function createLoaderMeter(options: {
  readonly threads: number;
  readonly now: () => number;
}): LoaderMeter {
  const { threads, now } = options;
  let sums = { ...ZERO };
  let cacheProblem: string | null = null;
  let reportedAt = now();
  let idle: { count: number; obstacle: Obstacle; since: number } = {
    count: threads,
    obstacle: "bytes",
    since: reportedAt,
  };

  function settleIdle(): void {
    const ms = (now() - idle.since) * idle.count;
    if (idle.obstacle === "bytes") sums.waitForBytesMs += ms;
    else sums.waitForSlotMs += ms;
    idle.since = now();
  }

  return {
    count(answer) {
      if (answer.kind === "decoded") {
        sums.images += answer.images;
        sums.decodeMs += answer.decodeMs;
        sums.cropMs += answer.cropMs;
      } else if (answer.kind === "fetched") {
        sums.bytesFetched += answer.bytes;
        sums.requests += answer.requests;
        sums.cacheHits += answer.requests === 0 ? 1 : 0;
        sums.fetchMs += answer.ms;
        cacheProblem ??= answer.cacheProblem;
      }
    },
    setIdle(count, obstacle) {
      settleIdle();
      idle = { count, obstacle, since: now() };
    },
    trainerWaited(ms) {
      sums.trainerWaitMs += ms;
    },
    report(heldBytes) {
      settleIdle();
      const wallMs = now() - reportedAt;
      const report = {
        ...sums,
        heldBytes,
        cacheProblem,
        bottleneck: toBottleneck(sums, wallMs, threads),
      };
      sums = { ...ZERO };
      reportedAt = now();
      return report;
    },
  };
}

function toBottleneck(
  sums: Pick<LoaderReport, "trainerWaitMs" | "waitForBytesMs">,
  wallMs: number,
  threads: number,
): LoaderReport["bottleneck"] {
  if (sums.trainerWaitMs < TRAINER_WAITS * wallMs) return "training";
  return sums.waitForBytesMs >= THREADS_WAIT * wallMs * threads
    ? "storage"
    : "decode";
}
