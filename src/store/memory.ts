/**
 * The store in memory: for tests, and the plainest statement of what the port means. Single-threaded JavaScript
 * makes each method atomic: nothing is awaited between a check and the change that it guards.
 * Bytes are copied in and out, so nobody can change an object by changing a buffer. The copies are made by
 * `new Uint8Array`, since `slice` of a Node Buffer shares its memory.
 */
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { createMixedUse } from "./mixed-use.ts";
import { checkObjectPath, checkPrefix } from "./path.ts";
import { checkRange, withExactSize } from "./ranges.ts";
import type { ObjectInfo, Store } from "./store.ts";

type Entry = {
  readonly bytes: Uint8Array;
  readonly modifiedAtMs: number;
  /** Null: a plain object. */
  readonly etag: string | null;
};

export function createMemoryStore(
  options: { readonly clock?: Clock } = {},
): Store {
  const clock = options.clock ?? systemClock;
  const entries = new Map<string, Entry>();
  // Never reset: an etag that was once seen can never match again, also after a remove.
  let generation = 0;

  const set = (path: string, bytes: Uint8Array, etag: string | null): void => {
    entries.set(path, {
      bytes: new Uint8Array(bytes),
      modifiedAtMs: clock.now(),
      etag,
    });
  };
  const plainAt = (path: string): Entry | undefined => {
    const entry = entries.get(checkObjectPath(path));
    if (entry && entry.etag !== null) throw createMixedUse(path);
    return entry;
  };
  const recordAt = (path: string): Entry | undefined => {
    const entry = entries.get(checkObjectPath(path));
    if (entry && entry.etag === null) throw createMixedUse(path);
    return entry;
  };
  const pathsUnder = (prefix: string): string[] =>
    [...entries.keys()].filter((path) => path.startsWith(prefix)).sort();

  return {
    url: "memory:",
    async stat(path) {
      const entry = entries.get(checkObjectPath(path));
      return entry ? toInfo(path, entry) : null;
    },
    async read(path, range) {
      const entry = entries.get(checkObjectPath(path));
      if (!entry) return null;
      if (!range) return new Uint8Array(entry.bytes);
      checkRange(path, range, entry.bytes.byteLength);
      return entry.bytes.slice(range.offset, range.offset + range.length);
    },
    async readInto(path, offset, target) {
      const entry = entries.get(checkObjectPath(path));
      if (!entry) return false;
      const length = target.byteLength;
      checkRange(path, { offset, length }, entry.bytes.byteLength);
      target.set(entry.bytes.subarray(offset, offset + length));
      return true;
    },
    async link(path) {
      checkObjectPath(path);
      return null;
    },
    async *list(prefix) {
      for (const path of pathsUnder(checkPrefix(prefix))) {
        const entry = entries.get(path);
        if (entry) yield toInfo(path, entry);
      }
    },
    async listFolders(prefix) {
      const names = pathsUnder(checkPrefix(prefix))
        .map((path) => path.slice(prefix.length).split("/"))
        .flatMap(([name, ...rest]) => (rest.length > 0 && name ? [name] : []));
      return [...new Set(names)].sort();
    },
    async put(path, bytes) {
      plainAt(path);
      set(path, bytes, null);
    },
    async putIfAbsent(path, bytes) {
      if (plainAt(path)) return "exists";
      set(path, bytes, null);
      return "written";
    },
    async putStream(path, sizeBytes, chunks) {
      plainAt(path);
      const parts: Uint8Array[] = [];
      for await (const chunk of withExactSize(path, sizeBytes, chunks))
        parts.push(new Uint8Array(chunk));
      set(path, Buffer.concat(parts), null);
    },
    async append(path, bytes) {
      const before = plainAt(path)?.bytes ?? new Uint8Array();
      set(path, Buffer.concat([before, bytes]), null);
    },
    async readRecord(path) {
      const entry = recordAt(path);
      return entry?.etag
        ? { bytes: new Uint8Array(entry.bytes), etag: entry.etag }
        : null;
    },
    async swap(path, bytes, expected) {
      if ((recordAt(path)?.etag ?? null) !== expected)
        return { kind: "changed" };
      const etag = String(++generation);
      set(path, bytes, etag);
      return { kind: "written", etag };
    },
    async remove(path) {
      entries.delete(checkObjectPath(path));
    },
  };
}

function toInfo(path: string, entry: Entry): ObjectInfo {
  return {
    path,
    sizeBytes: entry.bytes.byteLength,
    modifiedAtMs: entry.modifiedAtMs,
  };
}
