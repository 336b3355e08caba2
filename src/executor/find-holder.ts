/** Who computes a key at this moment, in words for people: what an executor tells of tasks that it does not start. */
import { inspectClaim, type ClaimOptions } from "../store/claims/claims.ts";
import { describeOwner } from "../store/claims/owner.ts";
import type { Store } from "../store/store.ts";

export type FindHolder = (key: string) => Promise<string | null>;

/** Null: nobody is known to be alive behind the claim on the key. */
export function createFindHolder(
  options: ClaimOptions & {
    readonly store: Store;
    /** The run that asks. */
    readonly run: string;
  },
): FindHolder {
  const { store, run } = options;
  return async (key) => {
    const claim = await inspectClaim(store, key, options);
    // Who looks stale is left to the worker, which watches it before it takes over.
    if (claim === null || claim.state === "stale") return null;
    return claim.by.run === run
      ? `an earlier attempt of this run, which is stopping (process ${claim.by.pid} on ${claim.by.host})`
      : describeOwner(claim.by);
  };
}
