/**
 * A store in front of another one that fails by a script: before an operation (nothing was done) or after it (it was
 * done and its answer is lost), which is how networks and full disks look from above.
 */
import type { Store } from "../../src/store/store.ts";

export type StoreOperation = {
  readonly method: Exclude<keyof Store, "url">;
  readonly path: string;
  /** 1 for the first operation of all. */
  readonly number: number;
};

/** What goes wrong with an operation; null: nothing. */
export type Fault = {
  readonly when: "before" | "after";
  readonly error: Error;
};

export type FaultyStore = Store & {
  /** All operations so far, in order. */
  readonly operations: readonly StoreOperation[];
};

export function createFaultyStore(
  store: Store,
  fault: (operation: StoreOperation) => Fault | null,
): FaultyStore {
  const operations: StoreOperation[] = [];
  async function pass<T>(
    method: StoreOperation["method"],
    path: string,
    run: () => Promise<T>,
  ): Promise<T> {
    const operation = { method, path, number: operations.length + 1 };
    operations.push(operation);
    const found = fault(operation);
    if (found?.when === "before") throw found.error;
    const result = await run();
    if (found?.when === "after") throw found.error;
    return result;
  }
  return {
    url: store.url,
    operations,
    stat: (path) => pass("stat", path, () => store.stat(path)),
    read: (path, range) => pass("read", path, () => store.read(path, range)),
    readInto: (path, offset, target) =>
      pass("readInto", path, () => store.readInto(path, offset, target)),
    link: (path, seconds) => store.link(path, seconds),
    async *list(prefix) {
      await pass("list", prefix, async () => undefined);
      yield* store.list(prefix);
    },
    listFolders: (prefix) =>
      pass("listFolders", prefix, () => store.listFolders(prefix)),
    put: (path, bytes) => pass("put", path, () => store.put(path, bytes)),
    putIfAbsent: (path, bytes) =>
      pass("putIfAbsent", path, () => store.putIfAbsent(path, bytes)),
    putStream: (path, sizeBytes, chunks) =>
      pass("putStream", path, () => store.putStream(path, sizeBytes, chunks)),
    append: (path, bytes) =>
      pass("append", path, () => store.append(path, bytes)),
    readRecord: (path) =>
      pass("readRecord", path, () => store.readRecord(path)),
    swap: (path, bytes, expected) =>
      pass("swap", path, () => store.swap(path, bytes, expected)),
    remove: (path) => pass("remove", path, () => store.remove(path)),
  };
}
