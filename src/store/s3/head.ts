/**
 * What the store keeps beside an object's bytes, as user metadata (`x-amz-meta-hueline-…`), and what it reads back.
 *
 * - `hueline-kind`: `record` or `log`; absent: a plain object, also one that another program put there.
 * - `hueline-write`: a random token of the write. It tells a write whose answer was lost from somebody else's.
 * - `hueline-crc32`: of the whole object, where it is known before the first byte goes up.
 */
import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32Hex } from "../crc32-hex.ts";
import { UnusableAnswer } from "./failure.ts";

export type ObjectKind = "plain" | "record" | "log";

export type Head = {
  readonly etag: string;
  /** Of the object as it is stored: with a record's nonce, of a log's first segment only. */
  readonly storedBytes: number;
  readonly modifiedAtMs: number;
  readonly kind: ObjectKind;
  readonly token: string | null;
  /** Of the whole object, 8 hexadecimal digits; null: the server does not know. */
  readonly crc32: string | null;
};

/** What an answer to HEAD or GET tells. Throws if it lacks an ETag. */
export function toHead(
  output: {
    readonly ETag?: string | undefined;
    readonly LastModified?: Date | undefined;
    readonly Metadata?: Readonly<Record<string, string>> | undefined;
    readonly ChecksumCRC32?: string | undefined;
  },
  storedBytes: number,
): Head {
  if (!output.ETag) throw new UnusableAnswer("an object came without an ETag");
  const metadata = output.Metadata ?? {};
  const kind = metadata["hueline-kind"];
  return {
    etag: output.ETag,
    storedBytes,
    modifiedAtMs: output.LastModified?.getTime() ?? 0,
    kind: kind === "record" || kind === "log" ? kind : "plain",
    token: metadata["hueline-write"] ?? null,
    crc32: metadata["hueline-crc32"] ?? fromBase64(output.ChecksumCRC32),
  };
}

export function toMetadata(options: {
  readonly kind: ObjectKind;
  readonly token: string;
  readonly crc32: string | null;
}): Readonly<Record<string, string>> {
  return {
    "hueline-write": options.token,
    ...(options.kind === "plain" ? {} : { "hueline-kind": options.kind }),
    ...(options.crc32 === null ? {} : { "hueline-crc32": options.crc32 }),
  };
}

export function createToken(): string {
  return randomUUID().replaceAll("-", "");
}

/** CRC-32 in 8 hexadecimal digits. */
export function checksum(bytes: Uint8Array, before = 0): string {
  return crc32Hex(crc32(bytes, before));
}

/** As S3's headers have it: big-endian, base64. */
export function toBase64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

/** Null for none, and for a checksum of checksums (`…-3`), which does not tell the CRC-32 of the bytes. */
function fromBase64(value: string | undefined): string | null {
  if (value === undefined || value.includes("-")) return null;
  const bytes = Buffer.from(value, "base64");
  return bytes.byteLength === 4 ? bytes.toString("hex") : null;
}
