/**
 * A claim that is kept alive while its task is worked on, or a run driven. A heartbeat that finds the claim lost aborts
 * the work (a zombie stops here at the latest; it could not commit anyway). One that the store does not answer changes
 * nothing: the next one may be answered, and fencing protects the artifact meanwhile.
 */
import type { Clock } from "../../base/clock.ts";
import { toError, TransientError, UserError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { claimTimes, type Claim } from "./claims.ts";

export type HeldClaim = {
  readonly claim: Claim;
  /** Aborts when the claim is lost. */
  readonly signal: AbortSignal;
  /** Why the work must end; null: the claim is ours. */
  lost(): Error | null;
  /** Throws `claim.lost` (TransientError) unless the claim is still ours: the last thing before a commit. */
  confirm(): Promise<void>;
  /** Ends the heartbeats and lets the next one in; never throws. */
  release(): Promise<void>;
};

export function holdClaim(options: {
  readonly claim: Claim;
  readonly clock: Clock;
  readonly log: Logger;
}): HeldClaim {
  const { claim, clock, log } = options;
  const over = new AbortController();
  const work = new AbortController();
  let lost: Error | null = null;
  const lose = (reason: Error): void => {
    lost ??= reason;
    work.abort(lost);
  };

  const beatOnce = async (): Promise<void> => {
    try {
      if ((await claim.heartbeat()) === "lost") lose(claimLost(claim));
    } catch (thrown) {
      const error = toError(thrown);
      if (!(error instanceof TransientError || error instanceof UserError))
        lose(error);
      else log.warn({ reason: error.message }, "a heartbeat was not answered");
    }
  };
  const beat = async (): Promise<void> => {
    while (!over.signal.aborted && !work.signal.aborted) {
      await clock.sleep(claimTimes.heartbeatEveryMs, over.signal);
      if (!over.signal.aborted) await beatOnce();
    }
  };
  const beating = beat();

  return {
    claim,
    signal: work.signal,
    lost: () => lost,
    async confirm() {
      if (lost !== null) throw lost;
      if ((await claim.confirm()) === "lost") throw claimLost(claim);
    },
    async release() {
      over.abort();
      await beating;
      try {
        await claim.release();
      } catch (thrown) {
        // The work is over, well or not, and that is what counts: others see our end, or no heartbeat.
        log.warn(
          { key: claim.key, reason: toError(thrown).message },
          "a claim could not be released",
        );
      }
    },
  };
}

function claimLost({ key, epoch }: Claim): TransientError {
  return new TransientError({
    code: "claim.lost",
    message: `somebody else took over the claim on ${key} (we held epoch ${epoch}); what we have is discarded`,
  });
}
