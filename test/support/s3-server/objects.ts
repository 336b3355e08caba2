/** How the test server gives objects out: whole or a range, with the faults of the way down. */
import type * as http from "node:http";
import type { Answer } from "./answers.ts";
import { S3Error } from "./bucket-state.ts";
import type { BucketState, Headers, Misbehaviour } from "./bucket-state.ts";
import { damage } from "./faults.ts";
import type { Fault } from "./faults.ts";

export function readObject(
  state: BucketState,
  { key, headers }: { readonly key: string; readonly headers: Headers },
  misbehaviour: Misbehaviour,
): Answer {
  const object = state.get(key);
  if (!object) throw new S3Error(404, "NoSuchKey");
  const { bytes, etag, modifiedAt, metadata, crc32 } = object;
  const match = headers["if-match"];
  if (match !== undefined && match !== etag && !misbehaviour.ignoresIfMatch)
    throw new S3Error(412, "PreconditionFailed");
  const common = {
    etag,
    "accept-ranges": "bytes",
    "last-modified": modifiedAt.toUTCString(),
    ...metadata,
  };
  const range = toRange(headers["range"], bytes.byteLength);
  if (range === null || misbehaviour.ignoresRanges)
    return {
      status: 200,
      headers: { ...common, "x-amz-checksum-crc32": crc32 },
      body: bytes,
    };
  const { start, end } = range;
  const content = `bytes ${start}-${end - 1}/${bytes.byteLength}`;
  return {
    status: 206,
    headers: { ...common, "content-range": content },
    body: bytes.subarray(start, end),
  };
}

/** `bytes=first-last`, `bytes=first-`, `bytes=-count` (RFC 9110, 14.1.2); null: the whole object. */
function toRange(
  header: string | undefined,
  total: number,
): { readonly start: number; readonly end: number } | null {
  const [, first = "", last = ""] =
    /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return null;
  const start =
    first === "" ? Math.max(0, total - Number(last)) : Number(first);
  const isOpen = first === "" || last === "";
  const end = isOpen ? total : Math.min(Number(last) + 1, total);
  if (start >= end) throw new S3Error(416, "InvalidRange");
  return { start, end };
}

export function sendAnswer(
  response: http.ServerResponse,
  { status, headers, body = Buffer.alloc(0) }: Answer,
  how: {
    readonly method: string;
    readonly fault: Fault | null;
    readonly isChunked: boolean;
  },
): void {
  const { method, fault, isChunked } = how;
  // XML carries no checksum: only TLS protects it.
  const isObject = headers?.["content-type"] !== "application/xml";
  const whole = isObject ? damage(fault, body) : body;
  const half = whole.byteLength >> 1;
  const isShort = fault?.kind === "shorten" && isObject && method !== "HEAD";
  const left = isShort
    ? Math.max(0, whole.byteLength - (fault.by ?? half))
    : null;
  const sent = left === null ? whole : whole.subarray(0, left);
  const length = isChunked ? {} : { "content-length": sent.byteLength };
  response.writeHead(status, { ...headers, ...length });
  if (method === "HEAD") return void response.end();
  if (fault?.kind !== "truncate" || sent.byteLength === 0)
    return void response.end(sent);
  response.write(whole.subarray(0, half), () => response.destroy());
}
