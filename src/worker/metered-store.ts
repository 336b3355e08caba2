/** A store that counts the bytes that pass, for the worker's summary line. */
import type { Store } from "../store/store.ts";

export type MeteredStore = {
  readonly store: Store;
  readonly bytes: () => { readonly read: number; readonly written: number };
  /** What came from the same store, or went to it, over other connections. */
  addRead(sizeBytes: number): void;
  addWritten(sizeBytes: number): void;
};

export function createMeteredStore(store: Store): MeteredStore {
  let read = 0;
  let written = 0;
  const metered: Store = {
    ...store,
    async read(path, range) {
      const bytes = await store.read(path, range);
      read += bytes?.byteLength ?? 0;
      return bytes;
    },
    async readInto(path, offset, target) {
      const isThere = await store.readInto(path, offset, target);
      if (isThere) read += target.byteLength;
      return isThere;
    },
    async put(path, bytes) {
      await store.put(path, bytes);
      written += bytes.byteLength;
    },
    async putIfAbsent(path, bytes) {
      const outcome = await store.putIfAbsent(path, bytes);
      if (outcome === "written") written += bytes.byteLength;
      return outcome;
    },
    async putStream(path, sizeBytes, chunks) {
      await store.putStream(path, sizeBytes, chunks);
      written += sizeBytes;
    },
    async append(path, bytes) {
      await store.append(path, bytes);
      written += bytes.byteLength;
    },
  };
  return {
    store: metered,
    bytes: () => ({ read, written }),
    addRead(sizeBytes) {
      read += sizeBytes;
    },
    addWritten(sizeBytes) {
      written += sizeBytes;
    },
  };
}
