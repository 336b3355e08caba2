/**
 * Reading an object's bytes, whole or a range, whatever happens to the connection.
 *
 * D1 A body that breaks off is continued at its byte, with `If-Match`: bytes of two versions never mix. If the object
 *    was replaced meanwhile, reading starts again.
 * D2 A whole object is checked against its CRC-32 where one is known. A range has no checksum in S3: it is protected
 *    by TLS on its way, and by the checksums of whoever asked for it.
 * D3 Bytes go from the socket into one array of the announced size, or into the caller's.
 * D4 A large range that is late is asked for a second time (`hedge.ts`), into an array of its own.
 */
import { UserError } from "../../base/errors.ts";
import type { ByteRange } from "../store.ts";
import { UnusableAnswer } from "./failure.ts";
import type { Fetch } from "./fetch.ts";
import type { Found, Lack } from "./got.ts";
import { checksum } from "./head.ts";
import type { Head } from "./head.ts";
import type { Hedge } from "./hedge.ts";
import type { Retry, Try } from "./retry.ts";

/** `bytes`: new, or the part of `into` that the object fills. */
export type Downloaded = { readonly head: Head; readonly bytes: Uint8Array };

type Wanted = {
  readonly path: string;
  readonly key: string;
  /** Not empty. The bytes are fewer where the object ends before the range. */
  readonly range?: ByteRange;
  /** As long as the range. */
  readonly into?: Uint8Array;
};

export type Download = (
  wanted: Wanted,
) => Promise<Downloaded | "absent" | "outside">;

export function createDownload(options: {
  readonly fetch: Fetch;
  readonly retry: Retry;
  readonly hedge: Hedge;
}): Download {
  const { fetch, retry, hedge } = options;
  return async (wanted) => {
    const { range, into } = wanted;
    if (!range) return downloadOnce({ fetch, retry }, wanted);
    const found = await hedge.run(range.length, (signal, begun, isSecond) => {
      // D4.
      const { into: _, ...elsewhere } = wanted;
      const here = isSecond ? elsewhere : wanted;
      return downloadOnce({ fetch, retry }, { ...here, signal, begun });
    });
    if (!into || typeof found === "string") return found;
    if (found.bytes.buffer !== into.buffer) into.set(found.bytes);
    return { ...found, bytes: into.subarray(0, found.bytes.byteLength) };
  };
}

async function downloadOnce(
  { fetch, retry }: { readonly fetch: Fetch; readonly retry: Retry },
  wanted: Wanted & {
    readonly signal?: AbortSignal;
    readonly begun?: () => void;
  },
): Promise<Downloaded | "absent" | "outside"> {
  const { path, key, range, into, signal } = wanted;
  let partial: Partial | null = null;
  let wrongChecksum: string | null = null;
  /** Bytes that come again after a fresh start are no progress, or damage elsewhere each time would never end. */
  let furthest = 0;

  /** Goes on where the last try ended (D1), or begins. */
  async function ask(): Promise<Found | Lack> {
    const before = partial;
    const rest = before ? toRest(before) : range;
    return fetch(key, {
      signal,
      ...(rest ? { range: rest } : {}),
      ...(before ? { ifMatch: before.head.etag } : {}),
      destination: {
        begin(found) {
          if (before && rest && !isContinuation(found, before, rest))
            throw startAgain();
          partial ??= begin(path, found, range, into);
          return partial.bytes.subarray(partial.filled);
        },
        progress(bytes) {
          if (partial) partial.filled += bytes;
        },
      },
    });
  }

  /** Asks for what is missing, if anything is: a connection may break behind the last byte. */
  async function askAll(current: Try): Promise<Lack | null> {
    if (partial && partial.filled === partial.bytes.byteLength) return null;
    try {
      const found = await ask();
      return typeof found === "string" ? found : null;
    } finally {
      const { filled } = partial ?? { filled: 0 };
      if (filled > furthest) current.progress();
      furthest = Math.max(furthest, filled);
    }
  }

  function startAgain(): UnusableAnswer {
    partial = null;
    return new UnusableAnswer("the object changed while it was read");
  }

  async function attempt(
    current: Try,
  ): Promise<Downloaded | "absent" | "outside"> {
    wanted.begun?.();
    const isContinued = partial !== null;
    const lack = await askAll(current);
    if (lack !== null && isContinued) throw startAgain();
    if (lack !== null) return lack === "refused" ? "absent" : lack;
    if (partial === null) throw new Error("a body came without its head");
    const { head, bytes } = partial;
    const found = range || head.crc32 === null ? null : checksum(bytes);
    if (found === null || found === head.crc32) return { head, bytes };
    partial = null;
    if (found === wrongChecksum) throw damaged(path, found, head);
    wrongChecksum = found;
    throw new UnusableAnswer(`its CRC-32 is ${found}, not ${head.crc32}`);
  }
  return retry.run(`read '${path}'`, attempt);
}

/** What came so far of an object, or of a range of it. */
type Partial = {
  readonly head: Head;
  /** Where `bytes` begins in the object. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  filled: number;
};

function begin(
  path: string,
  { head, range: sent }: Found,
  range: ByteRange | undefined,
  into: Uint8Array | undefined,
): Partial {
  if (!range)
    return {
      head,
      offset: 0,
      bytes: allocate(path, head.storedBytes),
      filled: 0,
    };
  const { offset } = range;
  const length = Math.min(range.length, head.storedBytes - offset);
  if (sent?.offset === offset && sent.length === length) {
    const bytes = into?.subarray(0, length) ?? allocate(path, length);
    return { head, offset, bytes, filled: 0 };
  }
  throw new UserError({
    code: "store.unsafe",
    message: `the S3 server ignores ranges: it sent another part of '${path}' than the one asked for`,
    hint: "a proxy between this machine and the server may drop the Range header; else use another server",
  });
}

/** Not zeroed: it is given out only when every byte of it has come. */
function allocate(path: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new UserError({
      code: "store.too-large",
      message: `'${path}' does not fit into memory: the server says that ${length} bytes come`,
      hint: "if the object is not that large, look at the server or the proxy before it",
      cause: thrown,
    });
  }
}

function toRest({ offset, bytes, filled }: Partial): ByteRange {
  return { offset: offset + filled, length: bytes.byteLength - filled };
}

/** D1, also on servers that ignore `If-Match` on a GET. */
function isContinuation(
  found: Found,
  partial: Partial,
  rest: ByteRange,
): boolean {
  return (
    found.head.etag === partial.head.etag &&
    found.range?.offset === rest.offset &&
    found.range.length === rest.length
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
