/**
 * The store's lease on a run, taken without keeping anybody waiting: a lease whose holder has fallen silent is watched
 * for its whole time to live (`claims.ts`, C2), half a minute that no worker of a queue may spend.
 *
 * Among replicas that share Runs by Kubernetes' leases, who has a Run's shard takes the run's lease from whoever held it
 * (`mayForce`): the one before is gone, or learns it at its next heartbeat (C3).
 */
import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { ClaimOptions } from "../../store/claims/claims.ts";
import { holdClaim, type HeldClaim } from "../../store/claims/hold-claim.ts";
import { describeOwner, type ClaimOwner } from "../../store/claims/owner.ts";
import { takeRunLease } from "../../store/runs/run-records.ts";
import type { Store } from "../../store/store.ts";

export type RunLeaseOptions = {
  readonly store: Store;
  readonly storeRun: string;
  /** This process. */
  readonly owner: ClaimOwner;
  readonly isOwnerAlive: ClaimOptions["isOwnerAlive"];
  readonly mayForce: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when the outcome is there, and when a lease that was taken is lost. */
  readonly onChange: () => void;
};

export type RunLeaseOutcome =
  | { readonly kind: "taken"; readonly lease: HeldClaim }
  /** By whom, for people. */
  | { readonly kind: "held"; readonly by: string }
  | { readonly kind: "failed"; readonly error: Error };

export type RunLeaseTake = {
  /** Null: not known yet. */
  outcome(): RunLeaseOutcome | null;
  /** Gives up; a lease that was taken meanwhile is released. */
  cancel(): Promise<void>;
};

/** Begins to take the lease of a run. */
export function takeInBackground(options: RunLeaseOptions): RunLeaseTake {
  const over = new AbortController();
  let outcome: RunLeaseOutcome | null = null;
  const taking = take(options, over.signal).then((reached) => {
    outcome = reached;
    options.onChange();
  });
  return {
    outcome: () => outcome,
    async cancel() {
      over.abort();
      await taking;
      if (outcome?.kind === "taken") await outcome.lease.release();
    },
  };
}

async function take(
  options: RunLeaseOptions,
  signal: AbortSignal,
): Promise<RunLeaseOutcome> {
  const { store, storeRun, owner, clock, log, onChange } = options;
  try {
    const taken = await takeRunLease(store, storeRun, owner, {
      clock,
      isOwnerAlive: options.isOwnerAlive,
      force: options.mayForce,
      signal,
    });
    if (taken.kind === "held")
      return { kind: "held", by: describeOwner(taken.by) };
    const lease = holdClaim({ claim: taken.claim, clock, log });
    lease.signal.addEventListener("abort", onChange);
    return { kind: "taken", lease };
  } catch (thrown) {
    return { kind: "failed", error: toError(thrown) };
  }
}
