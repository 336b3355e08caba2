/**
 * Logs: objects that grow, in a store whose objects do not.
 *
 * The first bytes are at the log's own path, where people look. An append writes the last segment again, with the new
 * bytes behind; a segment of `sealedBytes` is sealed, and the next append begins segment `.segments/<path>/000001`.
 * So an append sends at most one segment, and a log of any length costs a few objects.
 *
 * L1 A segment is replaced only under its ETag, made only if absent: two writers by mistake lose no line.
 * L2 Whether a segment is sealed follows from its size. Listings are a hint to a writer: it looks behind them.
 */
import { mapBounded } from "../../base/async.ts";
import { TransientError } from "../../base/errors.ts";
import { createMixedUse } from "../mixed-use.ts";
import { checkRange } from "../ranges.ts";
import type { ByteRange } from "../store.ts";
import type { Bucket } from "./bucket.ts";
import type { Download } from "./download.ts";
import type { Head } from "./head.ts";
import { segmentsFolder } from "./listing.ts";
import type { Listing } from "./listing.ts";
import type { Retry } from "./retry.ts";
import type { Writer } from "./write.ts";

export const sealedBytes = 256 * 1024;

const rounds = 100;
const segmentsInFlight = 8;
/** Last segments kept in memory, so that a writer need not read what it wrote. */
const rememberedTails = 32;

/** The segment that grows. `etag` null: it is not there yet. */
type Tail = {
  readonly number: number;
  readonly etag: string | null;
  readonly bytes: Uint8Array;
  readonly isSealed: boolean;
};
type Segment = { readonly key: string; readonly sizeBytes: number };

export function createLogs(options: {
  readonly bucket: Bucket;
  readonly download: Download;
  readonly listing: Listing;
  readonly retry: Retry;
  readonly writer: Writer;
  toKey(path: string): string;
}) {
  const { bucket, download, listing, retry, writer, toKey } = options;
  const tails = new Map<string, Tail>();

  const segmentKey = (path: string, number: number): string =>
    number === 0
      ? toKey(path)
      : toKey(`${segmentsFolder}${path}/${String(number).padStart(6, "0")}`);

  async function listSegments(path: string): Promise<Segment[]> {
    const segments: Segment[] = [];
    for await (const { key, sizeBytes } of listing.keys(
      toKey(`${segmentsFolder}${path}/`),
    ))
      segments.push({ key, sizeBytes });
    return segments;
  }

  async function findTail(path: string): Promise<Tail> {
    let tail = await readTail(path, 0);
    if (!tail.isSealed) return tail;
    const listed = await listSegments(path);
    tail = await readTail(path, Math.max(1, listed.length));
    while (tail.isSealed) tail = await readTail(path, tail.number + 1);
    return tail;
  }

  async function readTail(path: string, number: number): Promise<Tail> {
    const key = segmentKey(path, number);
    const found = await download({ path, key });
    if (typeof found === "string") return createTail(number);
    const { head, bytes } = found;
    if (head.kind === "record") throw createMixedUse(path);
    return { number, etag: head.etag, bytes, isSealed: isSealedLog(head) };
  }

  function remember(path: string, tail: Tail): void {
    tails.delete(path);
    tails.set(path, tail);
    const [oldest] = tails.keys();
    if (tails.size > rememberedTails && oldest !== undefined)
      tails.delete(oldest);
  }

  /** Segments 0 to n; the first is the object at the log's own path. */
  async function toSegments(path: string, head: Head): Promise<Segment[]> {
    const first = { key: toKey(path), sizeBytes: head.storedBytes };
    return isSealedLog(head) ? [first, ...(await listSegments(path))] : [first];
  }

  return {
    async append(path: string, bytes: Uint8Array): Promise<void> {
      for (let round = 0; round < rounds; round++) {
        const last = tails.get(path) ?? (await findTail(path));
        const tail = last.isSealed ? createTail(last.number + 1) : last;
        const joined = Buffer.concat([tail.bytes, bytes]);
        const outcome = await writer.put({
          path,
          key: segmentKey(path, tail.number),
          bytes: joined,
          kind: "log",
          condition:
            tail.etag === null
              ? { kind: "absent" }
              : { kind: "etag", etag: tail.etag },
        });
        if (outcome.kind === "written")
          return remember(path, {
            number: tail.number,
            etag: outcome.etag,
            bytes: joined,
            isSealed: joined.byteLength >= sealedBytes,
          });
        tails.delete(path);
      }
      throw new TransientError({
        code: "store.log-busy",
        message: `the log '${path}' was changed ${rounds} times by others while a line was added`,
      });
    },

    async sizeOf(path: string, head: Head): Promise<number> {
      const segments = await toSegments(path, head);
      return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    },

    /** The bytes of a log, or of a range of it. `head`: of the object at its path. */
    async read(
      path: string,
      head: Head,
      range: ByteRange | undefined,
    ): Promise<Uint8Array> {
      const segments = await toSegments(path, head);
      const total = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const wanted = range ?? { offset: 0, length: total };
      checkRange(path, wanted, total);
      const pieces = await mapBounded(
        toPieces(segments, wanted),
        segmentsInFlight,
        async (piece) => {
          const found = await download({ path, ...piece });
          return typeof found === "string" ? new Uint8Array() : found.bytes;
        },
      );
      // The last segment may have grown since its size was listed.
      return Buffer.concat(pieces).subarray(0, wanted.length);
    },

    /** Removes all segments but the first, from the end: what is left is a log at any time. */
    async removeSegments(path: string): Promise<void> {
      tails.delete(path);
      for (const { key } of (await listSegments(path)).reverse())
        await retry.run(`remove '${path}'`, async () => {
          const head = await bucket.head(key);
          if (head) await bucket.remove(key, head.etag);
        });
    },

    /** Bytes behind the first segments of all logs under a prefix, by path. */
    async sizesUnder(prefix: string): Promise<ReadonlyMap<string, number>> {
      const sizes = new Map<string, number>();
      const start = toKey(segmentsFolder);
      for await (const { key, sizeBytes } of listing.keys(start + prefix)) {
        const path = key.slice(start.length, key.lastIndexOf("/"));
        sizes.set(path, (sizes.get(path) ?? 0) + sizeBytes);
      }
      return sizes;
    },
  };
}

/** L2. */
export function isSealedLog(head: Head): boolean {
  return head.kind === "log" && head.storedBytes >= sealedBytes;
}

function createTail(number: number): Tail {
  return { number, etag: null, bytes: new Uint8Array(), isSealed: false };
}

type Piece = { readonly key: string; readonly range?: ByteRange };

/** What to read for a range: whole segments without one, for those are checked against their checksum. */
function toPieces(segments: readonly Segment[], wanted: ByteRange): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  for (const { key, sizeBytes } of segments) {
    const from = Math.max(wanted.offset, start);
    const to = Math.min(wanted.offset + wanted.length, start + sizeBytes);
    const range = { offset: from - start, length: to - from };
    if (range.length === sizeBytes) pieces.push({ key });
    else if (range.length > 0) pieces.push({ key, range });
    start += sizeBytes;
  }
  return pieces;
}
