/**
 * Patience beyond the store's own: what fails for a reason that may pass is tried again, with growing delays, up to a
 * declared time. Each failure is told, so that people see what a training waits for.
 */
import type { Clock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";

const FIRST_DELAY_MS = 1_000;
const MOST_DELAY_MS = 30_000;

export type Patience = {
  readonly clock: Clock;
  /** Since the first failure. */
  readonly outageMs: number;
  /** `reason`: what the store said. */
  onWaiting(reason: string): void;
};

/**
 * Resolves to what `work` does in the end. Throws its last TransientError, with the time that was waited, when the
 * patience is over; at once what no waiting mends, and a lost claim.
 */
export async function keepTrying<T>(
  what: string,
  work: () => Promise<T>,
  { clock, outageMs, onWaiting }: Patience,
): Promise<T> {
  let firstMs: number | null = null;
  for (
    let delayMs = FIRST_DELAY_MS;
    ;
    delayMs = Math.min(MOST_DELAY_MS, 2 * delayMs)
  ) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof TransientError) || thrown.code === "claim.lost")
        throw thrown;
      firstMs ??= clock.monotonicMs();
      const waitMs = Math.max(delayMs, thrown.retryAfterMs ?? 0);
      if (clock.monotonicMs() + waitMs - firstMs > outageMs)
        throw new TransientError({
          code: thrown.code,
          message: `${what} could not be written for ${Math.round(outageMs / 1000)} s ('checkpoint.outage'): ${thrown.message}`,
          cause: thrown,
        });
      onWaiting(thrown.message);
      await clock.sleep(waitMs);
    }
  }
}
