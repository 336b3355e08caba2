/**
 * What is known of the keys of a plan: whose manifest is in the store (invariant A), and whose artifact somebody else
 * computes at this moment.
 *
 * A key that was seen committed stays so for this run (F) and is never asked for again. The others are asked for once
 * at the start, and then only when something happened to them: an attempt ended, somebody held them, or they are about
 * to be computed. A look costs what has happened since the last one, not the size of the plan.
 */
import { mapBounded } from "../base/async.ts";
import { isCommitted } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";

const LOOKS_AT_ONCE = 32;

export type KeyWatch = {
  isCommitted(key: string): boolean;
  /** Who computes it, as of the last look; null: nobody that is known. */
  holderOf(key: string): string | null;
  /** Something happened to this key: the next look asks for it. */
  doubt(key: string): void;
  /** Asks for what is in doubt: the first time, for all `keys`. */
  look(keys: readonly string[]): Promise<void>;
  /** Asks for one key now: whether there is a manifest or a holder, so that computing it would be in vain. */
  isTaken(key: string): Promise<boolean>;
};

export function createKeyWatch(options: {
  readonly store: Store;
  readonly findHolder: (key: string) => Promise<string | null>;
}): KeyWatch {
  const committed = new Set<string>();
  const held = new Map<string, string>();
  /** Null: nobody has looked yet, so everything is in doubt. */
  let doubtful: Set<string> | null = null;

  const lookAtHolder = async (key: string): Promise<void> => {
    const holder = await options.findHolder(key);
    if (holder === null) held.delete(key);
    else held.set(key, holder);
  };
  const lookAtManifests = async (keys: Iterable<string>): Promise<void> => {
    const unknown = [...keys].filter((key) => !committed.has(key));
    await mapBounded(unknown, LOOKS_AT_ONCE, async (key) => {
      if (!(await isCommitted(options.store, key))) return;
      committed.add(key);
      held.delete(key);
    });
  };

  return {
    isCommitted: (key) => committed.has(key),
    holderOf: (key) => held.get(key) ?? null,
    doubt(key) {
      doubtful?.add(key);
    },
    async look(keys) {
      // The claims first: who has let go may have committed just before.
      const watched = [...held.keys()];
      for (const key of watched) await lookAtHolder(key);
      const asked = doubtful && [...doubtful, ...watched];
      doubtful = new Set();
      try {
        await lookAtManifests(asked ?? keys);
      } catch (thrown) {
        // Not looked at after all.
        doubtful = asked && new Set([...asked, ...doubtful]);
        throw thrown;
      }
    },
    async isTaken(key) {
      await lookAtHolder(key);
      await lookAtManifests([key]);
      return committed.has(key) || held.has(key);
    },
  };
}
