/**
 * What whoever uses artifacts does before it relies on their manifests, so that a sweep which runs at the same time
 * takes none of them away. In this order, all three:
 *
 *  1. The run's plan, or the pin, is written.
 *  2. It is announced (`sweep-record.ts`). No sweep is under way: a later one will see it. Done.
 *  3. A sweep is under way: each key's mark is looked at. `marked` is changed to `spared`. `condemned` is ended here
 *     and now, under the key's claim, or waited for while the sweep does it: the manifest is then gone, and the
 *     caller sees a task to compute.
 *
 * After that a manifest that is there stays there as long as the plan or the pin does.
 */
import { mapBounded } from "../../base/async.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { takeClaim, type ClaimOptions } from "../claims/claims.ts";
import { holdClaim } from "../claims/hold-claim.ts";
import type { ClaimOwner } from "../claims/owner.ts";
import type { Store } from "../store.ts";
import { finishCondemned, readMark, spare } from "./marks.ts";
import { announce, type Announcement } from "./sweep-record.ts";

const LOOKS_AT_ONCE = 16;
const LOOK_AGAIN_MS = 200;

export type KeepOptions = {
  readonly store: Store;
  /** This process. */
  readonly owner: ClaimOwner;
  readonly isOwnerAlive: ClaimOptions["isOwnerAlive"];
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/** Steps 2 and 3 of the above, for the keys of a plan or of a pin that has just been written. */
export async function keepArtifacts(
  options: KeepOptions,
  user: Omit<Announcement, "atMs">,
  keys: Iterable<string>,
): Promise<void> {
  const { store, clock } = options;
  const isSweeping = await announce(store, { ...user, atMs: clock.now() });
  if (!isSweeping) return;
  await mapBounded([...new Set(keys)], LOOKS_AT_ONCE, (key) =>
    keep(options, key),
  );
}

async function keep(options: KeepOptions, key: string): Promise<void> {
  const { store, clock, signal } = options;
  // Who is told to stop relies on nothing any more.
  while (!signal.aborted) {
    const mark = await readMark(store, key);
    if (mark === null || mark.value.state === "spared") return;
    if (mark.value.state === "marked") {
      if (await spare(store, key, mark)) return;
    } else if (!(await finish(options, key)))
      await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/** False: somebody else has the key's claim, as a rule the sweep that condemned it. */
async function finish(options: KeepOptions, key: string): Promise<boolean> {
  const { store, owner, clock, log } = options;
  const taken = await takeClaim(store, key, owner, options);
  if (taken.kind === "held") return false;
  const held = holdClaim({ claim: taken.claim, clock, log });
  try {
    await finishCondemned(store, key, () => held.confirm());
    return true;
  } finally {
    await held.release();
  }
}
