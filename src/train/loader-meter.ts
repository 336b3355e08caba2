/**
 * Where time goes between storage and a training step, for people: per progress line, and summed over an attempt.
 *
 * How long the training stood still is measured here, by who stood still: the batch of step k + 1 is asked for while step
 * k computes, and only what is missing after that is waiting. Below a twentieth of the time the loader keeps up, whatever
 * it was busy with.
 */
import type { Clock } from "../base/clock.ts";
import type { LoaderReport } from "../data/loader/loader.ts";

/** All numbers are sums over the time that it tells of, those in milliseconds over all threads of the loader. */
export type LoaderUse = Omit<LoaderReport, "heldBytes"> & {
  /** What it tells of. */
  readonly wallMs: number;
};

export type LoaderMeter = {
  /** Waits for the next step's feeds, and counts it. */
  wait<T>(feeds: Promise<T>): Promise<T>;
  /** Since the last call. */
  take(): LoaderUse | null;
  /** Since the beginning, up to the last `take`. */
  sum(): LoaderUse | null;
};

/** A training that waits for a smaller share of its time than this is not held up. */
const WAITING_SHARE = 0.05;

export function createLoaderMeter(
  clock: Clock,
  read: () => LoaderReport | null,
): LoaderMeter {
  const spans: LoaderUse[] = [];
  let sinceMs = clock.monotonicMs();
  let waitedMs = 0;
  return {
    async wait(feeds) {
      const startMs = clock.monotonicMs();
      const got = await feeds;
      waitedMs += clock.monotonicMs() - startMs;
      return got;
    },
    take() {
      const report = read();
      if (report === null) return null;
      const nowMs = clock.monotonicMs();
      const use = toUse(report, nowMs - sinceMs, waitedMs);
      sinceMs = nowMs;
      waitedMs = 0;
      // One entry, however long the run is.
      spans.push(use);
      if (spans.length > 1) spans.splice(0, 2, addUses(spans));
      return use;
    },
    sum: () => spans[0] ?? null,
  };
}

function toUse(
  report: LoaderReport,
  wallMs: number,
  trainerWaitMs: number,
): LoaderUse {
  const { heldBytes: _heldBytes, ...sums } = report;
  const use = { ...sums, wallMs, trainerWaitMs };
  if (!isHeldUp(use)) return { ...use, bottleneck: "training" };
  return report.bottleneck === "training"
    ? { ...use, bottleneck: slowerPart(use) }
    : use;
}

function isHeldUp(use: Pick<LoaderUse, "trainerWaitMs" | "wallMs">): boolean {
  return use.trainerWaitMs > WAITING_SHARE * use.wallMs;
}

/** The loader's own rule: threads that are idle for bytes a tenth of their time wait for storage. */
function slowerPart(
  use: Pick<
    LoaderUse,
    "waitForBytesMs" | "waitForSlotMs" | "decodeMs" | "cropMs"
  >,
): LoaderUse["bottleneck"] {
  const { waitForBytesMs, waitForSlotMs, decodeMs, cropMs } = use;
  const threadMs = waitForBytesMs + waitForSlotMs + decodeMs + cropMs;
  return waitForBytesMs >= threadMs / 10 ? "storage" : "decode";
}

const SUMMED = [
  "images",
  "bytesFetched",
  "requests",
  "cacheHits",
  "fetchMs",
  "decodeMs",
  "cropMs",
  "waitForBytesMs",
  "waitForSlotMs",
  "trainerWaitMs",
  "wallMs",
] as const satisfies readonly (keyof LoaderUse)[];

/** Everything together. */
function addUses(uses: readonly LoaderUse[]): LoaderUse {
  const sums = Object.fromEntries(
    SUMMED.map((name) => [name, uses.reduce((sum, use) => sum + use[name], 0)]),
  ) as Record<(typeof SUMMED)[number], number>;
  const bottleneck = isHeldUp(sums) ? slowerPart(sums) : "training";
  const problems = uses.map(({ cacheProblem }) => cacheProblem);
  const cacheProblem = problems.findLast((found) => found !== null) ?? null;
  return { ...sums, cacheProblem, bottleneck };
}
