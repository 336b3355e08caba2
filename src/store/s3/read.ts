/**
 * The reads of the port: what kind of object the bytes belong to decides what of them is the caller's. A record is read
 * without its nonce, a log of several segments as the one object that it is.
 */
import { createMixedUse } from "../mixed-use.ts";
import { checkObjectPath } from "../path.ts";
import { checkRange } from "../ranges.ts";
import type { ByteRange, RecordRead } from "../store.ts";
import type { Download } from "./download.ts";
import type { Head } from "./head.ts";
import { isSealedLog } from "./log.ts";
import type { createLogs } from "./log.ts";
import { nonceBytes, withoutNonce } from "./record.ts";

export function createReader(options: {
  readonly download: Download;
  readonly logs: ReturnType<typeof createLogs>;
  lookAt(path: string): Promise<Head | null>;
  toKey(path: string): string;
}) {
  const { download, logs, lookAt, toKey } = options;

  async function sizeOf(path: string, head: Head): Promise<number> {
    return isSealedLog(head) ? logs.sizeOf(path, head) : toSizeBytes(head);
  }

  async function read(
    path: string,
    range?: ByteRange,
  ): Promise<Uint8Array | null> {
    checkObjectPath(path);
    // The size is not known yet; this refuses what is no range at all.
    if (range) checkRange(path, range, Number.MAX_SAFE_INTEGER);
    if (range?.length !== 0) return readBytes(path, range);
    const head = await lookAt(path);
    if (head === null) return null;
    checkRange(path, range, await sizeOf(path, head));
    return new Uint8Array();
  }

  /** Not of no bytes. Into `target`, as long as the range, where it can be. */
  async function readBytes(
    path: string,
    range?: ByteRange,
    target?: Uint8Array,
  ): Promise<Uint8Array | null> {
    const found = await download({
      path,
      key: toKey(path),
      ...(range ? { range } : {}),
      ...(target ? { into: target } : {}),
    });
    if (found === "absent") return null;
    if (found === "outside") {
      const head = await lookAt(path);
      if (head === null) return null;
      if (range && !isSealedLog(head))
        checkRange(path, range, toSizeBytes(head));
      return logs.read(path, head, range);
    }
    const { head, bytes } = found;
    if (isSealedLog(head)) return logs.read(path, head, range);
    if (range) checkRange(path, range, toSizeBytes(head));
    return !range && head.kind === "record" ? withoutNonce(bytes) : bytes;
  }

  return {
    read,
    sizeOf,

    async readInto(
      path: string,
      offset: number,
      target: Uint8Array,
    ): Promise<boolean> {
      const range = { offset, length: target.byteLength };
      if (range.length === 0) return (await read(path, range)) !== null;
      checkRange(checkObjectPath(path), range, Number.MAX_SAFE_INTEGER);
      const bytes = await readBytes(path, range, target);
      if (bytes === null) return false;
      // Of a log, whose segments are joined first.
      if (bytes.buffer !== target.buffer) target.set(bytes);
      return true;
    },

    async readRecord(path: string): Promise<RecordRead | null> {
      const found = await download({ path, key: toKey(checkObjectPath(path)) });
      if (typeof found === "string") return null;
      const { head, bytes } = found;
      if (head.kind !== "record") throw createMixedUse(path);
      return { bytes: withoutNonce(bytes), etag: head.etag };
    },
  };
}

/** What the port calls an object's size: without a record's nonce. */
function toSizeBytes(head: Head): number {
  return head.kind === "record"
    ? Math.max(0, head.storedBytes - nonceBytes)
    : head.storedBytes;
}
