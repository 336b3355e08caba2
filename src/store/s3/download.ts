/**
 * Reading an object's bytes, whole or a range, whatever happens to the connection.
 *
 * D1 A body that breaks off is continued at its byte, with `If-Match`: bytes of two versions never mix. If the object
 *    was replaced meanwhile, reading starts again.
 * D2 A whole object is checked against its CRC-32 where one is known. A range has no checksum in S3: it is protected
 *    by TLS on its way, and by the checksums of whoever asked for it.
 * D3 Bytes go from the socket into one array of the announced size.
 */
import { finished } from "node:stream/promises";
import type { Readable } from "node:stream";
import { UserError } from "../../base/errors.ts";
import type { ByteRange } from "../store.ts";
import type { Bucket, Got } from "./bucket.ts";
import { UnusableAnswer } from "./failure.ts";
import { checksum } from "./head.ts";
import type { Head } from "./head.ts";
import type { Retry, Try } from "./retry.ts";

export type Downloaded = { readonly head: Head; readonly bytes: Uint8Array };

export type Download = (options: {
  readonly path: string;
  readonly key: string;
  /** Not empty. The bytes are fewer where the object ends before the range. */
  readonly range?: ByteRange;
}) => Promise<Downloaded | "absent" | "outside">;

export function createDownload(bucket: Bucket, retry: Retry): Download {
  return async ({ path, key, range }) => {
    let partial: Partial | null = null;
    let wrongChecksum: string | null = null;
    /** Bytes that come again after a fresh start are no progress, or damage elsewhere each time would never end. */
    let furthest = 0;

    async function ask(): Promise<Got | "absent" | "outside"> {
      if (partial === null) {
        const got = await bucket.get(key, range ? { range } : {});
        return got === "refused" ? "absent" : got;
      }
      const rest = toRest(partial);
      const got = await bucket.get(key, {
        range: rest,
        ifMatch: partial.head.etag,
      });
      if (typeof got !== "string" && isContinuation(got, partial, rest))
        return got;
      if (typeof got !== "string") got.body.destroy();
      partial = null;
      throw new UnusableAnswer("the object changed while it was read");
    }

    async function attempt(
      current: Try,
    ): Promise<Downloaded | "absent" | "outside"> {
      const got = await ask();
      if (typeof got === "string") return got;
      partial ??= begin(path, got, range);
      try {
        await fill(got.body, partial);
      } finally {
        if (partial.filled > furthest) current.progress();
        furthest = Math.max(furthest, partial.filled);
      }
      const { head, bytes } = partial;
      const found = range || head.crc32 === null ? null : checksum(bytes);
      if (found === null || found === head.crc32) return { head, bytes };
      partial = null;
      if (found === wrongChecksum) throw damaged(path, found, head);
      wrongChecksum = found;
      throw new UnusableAnswer(`its CRC-32 is ${found}, not ${head.crc32}`);
    }
    return retry.run(`read '${path}'`, attempt);
  };
}

/** What came so far of an object, or of a range of it. */
type Partial = {
  readonly head: Head;
  /** Where `bytes` begins in the object. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  filled: number;
};

function begin(path: string, got: Got, range: ByteRange | undefined): Partial {
  const { head } = got;
  if (!range) return toPartial(head, 0, head.storedBytes);
  if (got.range?.offset === range.offset) {
    const available = head.storedBytes - range.offset;
    return toPartial(head, range.offset, Math.min(range.length, available));
  }
  got.body.destroy();
  throw new UserError({
    code: "store.unsafe",
    message: `the S3 server ignores ranges: it sent another part of '${path}' than the one asked for`,
    hint: "a proxy between this machine and the server may drop the Range header; else use another server",
  });
}

function toPartial(head: Head, offset: number, length: number): Partial {
  // Not zeroed: it is given out only when every byte of it has come.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  return { head, offset, bytes, filled: 0 };
}

function toRest({ offset, bytes, filled }: Partial): ByteRange {
  return { offset: offset + filled, length: bytes.byteLength - filled };
}

/** D1, also on servers that ignore `If-Match` on a GET. */
function isContinuation(got: Got, partial: Partial, rest: ByteRange): boolean {
  return (
    got.head.etag === partial.head.etag &&
    got.range?.offset === rest.offset &&
    got.range.length === rest.length
  );
}

/** Puts the body behind what is there; throws if it does not end where the object does. */
async function fill(body: Readable, partial: Partial): Promise<void> {
  const { bytes } = partial;
  body.on("data", (chunk: Buffer) => {
    if (partial.filled + chunk.byteLength > bytes.byteLength) {
      body.destroy(new UnusableAnswer("more bytes came than were announced"));
      return;
    }
    bytes.set(chunk, partial.filled);
    partial.filled += chunk.byteLength;
  });
  await finished(body);
  if (partial.filled < bytes.byteLength)
    throw new UnusableAnswer(
      `${partial.filled} of ${bytes.byteLength} bytes came`,
    );
}

/** The same wrong bytes twice were not damaged on their way. */
function damaged(path: string, found: string, head: Head): UserError {
  return new UserError({
    code: "store.damaged",
    message: `'${path}' is damaged in the bucket: its CRC-32 is ${found}, and it was written with ${head.crc32}`,
    hint: "remove the object and run again: what made it is then computed anew",
  });
}
