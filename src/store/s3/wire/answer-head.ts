/**
 * The head of an HTTP/1.1 answer: status line and headers, as strictly as RFC 9112 allows a client to be. What a server
 * that speaks S3 never sends is refused rather than guessed at: folded lines, bare line feeds, control characters, two
 * lengths, a length beside a transfer coding, a coding other than `chunked`.
 */
import { UnusableAnswer } from "../failure.ts";

/** More headers than this come from no S3 server: object metadata is at most 2 KB. */
export const maxHeadBytes = 16 * 1024;

export type Framing =
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  /** No length: the body would end with the connection, cut off or not. */
  | { readonly kind: "until-close" };

export type AnswerHead = {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly framing: Framing;
  /** Whether another request may follow on this connection. */
  readonly keepsAlive: boolean;
};

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const headerLine = /^([\w!#$%&'*+.^`|~-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/;
/** A second one of these would change what the body is. */
const single: ReadonlySet<string> = new Set([
  "content-length",
  "content-range",
  "etag",
  "transfer-encoding",
]);

/** Where the head ends in `bytes` (behind the empty line), or null: more must come. `from`: looked through before. */
export function findHeadEnd(bytes: Buffer, from: number): number | null {
  const at = bytes.indexOf("\r\n\r\n", Math.max(0, from - 3), "latin1");
  return at < 0 ? null : at + 4;
}

/** Parses a whole head, its empty line included. Throws `UnusableAnswer`. */
export function parseHead(bytes: Buffer): AnswerHead {
  const [first = "", ...lines] = bytes
    .toString("latin1", 0, bytes.byteLength - 4)
    .split("\r\n");
  const [, minor, status] = statusLine.exec(first) ?? [];
  if (status === undefined)
    throw new UnusableAnswer(`no HTTP answer begins with '${excerpt(first)}'`);
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, given = "", text] = headerLine.exec(line) ?? [];
    if (text === undefined)
      throw new UnusableAnswer(`no header is '${excerpt(line)}'`);
    const name = given.toLowerCase();
    const before = headers[name];
    const value = text.trim();
    if (before !== undefined && single.has(name))
      throw new UnusableAnswer(`the header '${name}' came twice`);
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  const connection = headers["connection"]?.toLowerCase() ?? "";
  const framing = toFraming(Number(status), headers);
  return {
    status: Number(status),
    headers,
    framing,
    keepsAlive:
      minor === "1" &&
      !/\bclose\b/.test(connection) &&
      framing.kind !== "until-close",
  };
}

function toFraming(
  status: number,
  headers: Readonly<Record<string, string>>,
): Framing {
  const coding = headers["transfer-encoding"];
  const length = headers["content-length"];
  if (coding !== undefined && length !== undefined)
    throw new UnusableAnswer("it has both a length and a transfer coding");
  if (coding !== undefined) {
    if (coding.toLowerCase() === "chunked") return { kind: "chunked" };
    throw new UnusableAnswer(`its transfer coding is '${excerpt(coding)}'`);
  }
  if (status < 200 || status === 204 || status === 304)
    return { kind: "length", bytes: 0 };
  if (length === undefined) return { kind: "until-close" };
  if (!/^\d{1,15}$/.test(length))
    throw new UnusableAnswer(`its length is '${excerpt(length)}'`);
  return { kind: "length", bytes: Number(length) };
}

/** For a message: hostile bytes are long and may not be printable. */
function excerpt(text: string): string {
  return text.slice(0, 40).replace(/[^\x20-\x7e]/g, "?");
}
