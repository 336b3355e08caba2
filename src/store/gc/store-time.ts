/**
 * What time it is where a store's objects get theirs: a server's clock, or a file server's. Ages are differences of two
 * times of that one clock; this machine's may be days off, and would make a sweep remove what was written just now.
 */
import { TransientError } from "../../base/errors.ts";
import type { Store } from "../store.ts";

/** Written, looked at and removed. */
const PROBE = "gc/clock.json";
const TRIES = 10;

/**
 * Milliseconds since the epoch, as `modifiedAtMs` of an object that is written now.
 * Throws what the store throws when it cannot be written to.
 */
export async function readStoreTime(store: Store): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    await store.put(PROBE, new TextEncoder().encode("{}\n"));
    const found = await store.stat(PROBE);
    await store.remove(PROBE);
    // Null: another one who asks has removed it already.
    if (found !== null) return found.modifiedAtMs;
  }
  throw new TransientError({
    code: "gc.no-time",
    message: `the store ${store.url} does not tell its time: '${PROBE}' is gone each time it has been written`,
  });
}
