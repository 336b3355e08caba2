/**
 * A worker that is killed between its commit and the removal of its checkpoints leaves them behind, and no other worker
 * is started for a task that is done (invariant A). So its driver clears them, or the next one if both were killed.
 */
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { removeCheckpoints } from "../../store/checkpoints/retention.ts";
import { isCommitted } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";

/** Removes the checkpoints of a key if it is committed; never throws, for they only take up room. */
export async function clearLeftovers(
  { store, log }: { readonly store: Store; readonly log: Logger },
  key: string,
): Promise<void> {
  try {
    if (!(await isCommitted(store, key))) return;
    await removeCheckpoints(store, key);
  } catch (thrown) {
    log.warn(
      { key, reason: toError(thrown).message },
      "what a worker may have left behind could not be removed",
    );
  }
}
