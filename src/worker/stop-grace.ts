/**
 * The end of a worker that was told to stop and cannot save in time. Whoever stops it kills it after a grace; shortly
 * before that it ends by itself, so that its log says why. What it computed since its last checkpoint is lost, nothing else: a
 * checkpoint that is cut off has no manifest.
 */
import type { Clock } from "../base/clock.ts";
import { ExitCode } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";

export type Grace = {
  /** Between being told to stop and being killed. */
  readonly ms: number;
  /** Ends the process at once. */
  end(exitCode: ExitCode): void;
};

/** For the last words. */
const MARGIN = 0.05;

/** Watches until `over` aborts. */
export async function watchGrace(options: {
  readonly grace: Grace;
  /** Aborts when the worker is told to stop. */
  readonly signal: AbortSignal;
  readonly over: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<void> {
  const { grace, signal, over, clock, log } = options;
  await aborted(AbortSignal.any([signal, over]));
  if (over.aborted) return;
  await clock.sleep(grace.ms * (1 - MARGIN), over);
  if (over.aborted) return;
  log.error(
    {
      code: "worker.grace-over",
      hint: "give it more time: `--grace`, or HUELINE_GRACE, and the same to whoever stops it",
    },
    `told to stop, and not done with its checkpoint after ${grace.ms / 1000} s; the next attempt goes on from the one before`,
  );
  grace.end(ExitCode.stopped);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
