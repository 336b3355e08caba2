/** The name of a record's token, which is its state (see `records.ts`): kind, generation, CRC-32, writer. */
import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32Hex } from "../crc32-hex.ts";

export type Head = {
  readonly kind: "head" | "gone";
  readonly generation: number;
  /** Of the record's bytes. */
  readonly crc: string;
  /** `<generation>.<crc32>.<writer>`. */
  readonly etag: string;
};

/** A new state; no two calls give the same etag. */
export function createHead(
  kind: Head["kind"],
  generation: number,
  bytes: Uint8Array,
): Head {
  const crc = checksum(bytes);
  const writer = randomUUID().replaceAll("-", "");
  const etag = `${String(generation).padStart(12, "0")}.${crc}.${writer}`;
  return { kind, generation, crc, etag };
}

/** The state that a file's name tells, or null for a file of another kind. */
export function toHead(name: string): Head | null {
  const match =
    /^(head|gone)\.((\d{12,15})\.([0-9a-f]{8})\.[0-9a-f]{32})$/.exec(name);
  if (!match) return null;
  const [, kind, etag = "", generation, crc = ""] = match;
  return {
    kind: kind === "gone" ? "gone" : "head",
    generation: Number(generation),
    crc,
    etag,
  };
}

/** CRC-32 in 8 hexadecimal digits. */
export function checksum(bytes: Uint8Array): string {
  return crc32Hex(crc32(bytes));
}
