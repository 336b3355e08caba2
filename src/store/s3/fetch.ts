/**
 * One GET of an object, its bytes put where they are wanted: over a connection of our own (`wire/`), or through the SDK
 * where a proxy stands between, or where only the SDK can sign. Both ways end alike.
 */
import { finished } from "node:stream/promises";
import type { Readable } from "node:stream";
import type { ByteRange } from "../store.ts";
import type { Bucket } from "./bucket.ts";
import { UnusableAnswer } from "./failure.ts";
import { toFound, toLack } from "./got.ts";
import type { Found, Lack } from "./got.ts";
import type { AnswerHead } from "./wire/answer-head.ts";
import type { Wire } from "./wire/wire.ts";

/** Where the bytes of an object go. */
export type Destination = {
  /** Exactly as many bytes as the answer has; throws to refuse it. */
  begin(found: Found): Uint8Array;
  /** So many more have come. */
  progress(bytes: number): void;
};

export type Fetch = (
  key: string,
  options: {
    readonly destination: Destination;
    readonly range?: ByteRange;
    readonly ifMatch?: string;
    /** When it aborts, not a byte more is written, and its reason is thrown. */
    readonly signal?: AbortSignal | undefined;
  },
) => Promise<Found | Lack>;

export function createFetch(
  bucket: Bucket,
  openWire: () => Promise<Wire | null>,
): Fetch {
  return async (key, options) => {
    const wire = await openWire();
    options.signal?.throwIfAborted();
    return wire
      ? fetchByWire(wire, key, options)
      : fetchBySdk(bucket, key, options);
  };
}

async function fetchByWire(
  wire: Wire,
  key: string,
  options: Parameters<Fetch>[1],
): Promise<Found | Lack> {
  const { destination, range, ifMatch, signal } = options;
  const receiver = {
    begin: (head: AnswerHead) => destination.begin(readHead(head)),
    progress: (bytes: number) => destination.progress(bytes),
  };
  try {
    return readHead(await wire.get(key, { range, ifMatch, signal, receiver }));
  } catch (thrown) {
    return toLack(thrown);
  }
}

async function fetchBySdk(
  bucket: Bucket,
  key: string,
  { destination, signal, ...options }: Parameters<Fetch>[1],
): Promise<Found | Lack> {
  const got = await bucket.get(key, options);
  if (typeof got === "string") return got;
  const { body, ...found } = got;
  const cancel = (): unknown => body.destroy(signal?.reason);
  signal?.addEventListener("abort", cancel);
  try {
    signal?.throwIfAborted();
    await fill(body, destination.begin(found), destination);
    return found;
  } finally {
    signal?.removeEventListener("abort", cancel);
    body.destroy();
  }
}

/** Throws if the body does not end where its target does. */
async function fill(
  body: Readable,
  target: Uint8Array,
  destination: Destination,
): Promise<void> {
  let filled = 0;
  body.on("data", (chunk: Buffer) => {
    if (filled + chunk.byteLength > target.byteLength) {
      body.destroy(new UnusableAnswer("more bytes came than were announced"));
      return;
    }
    target.set(chunk, filled);
    filled += chunk.byteLength;
    destination.progress(chunk.byteLength);
  });
  await finished(body);
  if (filled < target.byteLength)
    throw new UnusableAnswer(`${filled} of ${target.byteLength} bytes came`);
}

const metadataPrefix = "x-amz-meta-";

function readHead({ headers, framing }: AnswerHead): Found {
  const metadata = Object.entries(headers)
    .filter(([name]) => name.startsWith(metadataPrefix))
    .map(([name, value]) => [name.slice(metadataPrefix.length), value]);
  const range = headers["content-range"];
  if (range === undefined && framing.kind !== "length")
    throw new UnusableAnswer("an object came without its size");
  return toFound({
    ETag: headers["etag"],
    LastModified: new Date(headers["last-modified"] ?? 0),
    Metadata: Object.fromEntries(metadata) as Record<string, string>,
    ChecksumCRC32: headers["x-amz-checksum-crc32"],
    ContentLength: framing.kind === "length" ? framing.bytes : 0,
    ...(range === undefined ? {} : { ContentRange: range }),
  });
}
