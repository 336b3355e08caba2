/** A store whose operations happen in an order drawn by a seed, whoever calls them, and one that stops dead. */
import { hash32 } from "../../src/base/random.ts";
import type { Store } from "../../src/store/store.ts";

/**
 * Every call waits until it is drawn among all that wait at that moment. All views share one order: give one to each
 * party of a race.
 */
export function createInterleaving(seed: number): {
  view(store: Store): Store;
} {
  let draws = 0;
  const waiting: (() => void)[] = [];
  let isDrawing = false;
  const draw = (): void => {
    isDrawing = waiting.length > 0;
    if (!isDrawing) return;
    const [next] = waiting.splice(hash32(seed, draws++) % waiting.length, 1);
    next?.();
    setImmediate(draw);
  };
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (isDrawing) return;
      isDrawing = true;
      setImmediate(draw);
    });
  return { view: (store) => withTurns(store, turn) };
}

/** The store of a process that is killed before its operation number `at`, counted from 0: nothing happens any more. */
export function createDyingStore(
  store: Store,
  at: number,
): { readonly store: Store; readonly isDead: () => boolean } {
  let count = 0;
  const turn = async (): Promise<void> => {
    if (count++ >= at) throw new Killed();
  };
  return { store: withTurns(store, turn), isDead: () => count > at };
}

export class Killed extends Error {}

/** `turn` is awaited before each operation; a listing is one operation. */
function withTurns(store: Store, turn: () => Promise<void>): Store {
  const after =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await turn();
      return await call(...args);
    };
  return {
    ...store,
    stat: after(store.stat),
    read: after(store.read),
    async *list(prefix) {
      await turn();
      yield* store.list(prefix);
    },
    listFolders: after(store.listFolders),
    put: after(store.put),
    putIfAbsent: after(store.putIfAbsent),
    readRecord: after(store.readRecord),
    swap: after(store.swap),
    remove: after(store.remove),
  };
}
