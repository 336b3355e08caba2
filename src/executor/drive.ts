/**
 * The loop of a run on this machine: step (`driver.ts`), wait for a change, until the run has come to its end or the
 * driver is told to stop.
 *
 * A store or an executor that fails for a moment is asked again; anything else ends the loop, after the workers have
 * been stopped. The caller holds the run's lease (`join-run`).
 */
import { TransientError } from "../base/errors.ts";
import type { Decision, RunStatus } from "../run/status.ts";
import { isTerminal } from "../run/to-status.ts";
import {
  createDriver,
  type Driver,
  type DriverEvent,
  type DriverOptions,
} from "./driver.ts";

/** People may cancel, other runs may finish what this one waits for: look at least this often. */
const LOOK_EVERY_MS = 1000;
/** … but spend no more than a small part of the time on looking. */
const LOOK_SHARE = 20;
const MAX_FAILURES_IN_A_ROW = 8;

export type DriveEvent =
  | DriverEvent
  /** Somebody else drives this run: who. */
  | { readonly kind: "following"; readonly driver: string }
  | { readonly kind: "driving" };

export type DriveOptions = Omit<DriverOptions, "listener"> & {
  /** Aborts to stop: running attempts save a checkpoint, nothing is lost. */
  readonly signal: AbortSignal;
  readonly listener: (event: DriveEvent) => void;
  /** Whether this process may still write the run's records: it holds the lease. */
  readonly holdsLease: () => boolean;
};

/** Drives a run; returns its last status, which is terminal unless the driver was told to stop. */
export async function drive(options: DriveOptions): Promise<RunStatus> {
  const { executor, clock, signal } = options;
  const driver = createDriver(options);
  try {
    while (!signal.aborted) {
      const startMs = clock.monotonicMs();
      const { status, requeueAfterMs } = await stepPatiently(driver, options);
      if (isTerminal(status.phase)) return status;
      const spentMs = clock.monotonicMs() - startMs;
      await waitForChange(options, requeueAfterMs, spentMs);
    }
  } finally {
    await driver.settled();
    await executor.close();
  }
  return await driver.leave({ mayWrite: options.holdsLease });
}

/** One turn. Asks again, with back-off, what failed for a moment. */
async function stepPatiently(
  driver: Driver,
  { clock, log, signal }: DriveOptions,
): Promise<Decision> {
  for (let failures = 0; ;) {
    try {
      return await driver.step();
    } catch (thrown) {
      failures++;
      if (!(thrown instanceof TransientError)) throw thrown;
      if (failures > MAX_FAILURES_IN_A_ROW || signal.aborted) throw thrown;
      const waitMs = thrown.retryAfterMs ?? 250 * 2 ** failures;
      log.warn(
        { code: thrown.code, reason: thrown.message, failures, waitMs },
        "the run could not be looked after for a moment",
      );
      await clock.sleep(waitMs, signal);
    }
  }
}

async function waitForChange(
  { executor, clock, signal }: DriveOptions,
  requeueAfterMs: number | null,
  spentMs: number,
): Promise<void> {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  const look = Math.max(LOOK_EVERY_MS, spentMs * LOOK_SHARE);
  const waitMs = Math.min(look, requeueAfterMs ?? look);
  await Promise.race([
    executor.changed(over.signal),
    clock.sleep(waitMs, over.signal),
  ]);
  end();
  signal.removeEventListener("abort", end);
}
