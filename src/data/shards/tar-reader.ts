/**
 * Lists the members of a ustar archive in memory. The archive is hostile input: every header's checksum is verified,
 * every size is checked against the bytes that are there, names stay inside the archive, and whatever is not a regular
 * file (links, devices, sparse or extended headers) is refused rather than skipped (invariant J).
 *
 * Broken input is a `TarError`; who knows the file's name makes it a `UserError`.
 */
import { BLOCK_BYTES, headerSum, padded } from "./tar-writer.ts";

export type TarEntry = {
  readonly name: string;
  /** Where the content starts in the archive. */
  readonly offset: number;
  readonly sizeBytes: number;
};

export class TarError extends Error {
  override readonly name = "TarError";
}

/** The members in their order. @throws TarError naming the byte where the archive stops making sense. */
export function readTar(archive: Uint8Array): TarEntry[] {
  const bytes = Buffer.from(
    archive.buffer,
    archive.byteOffset,
    archive.byteLength,
  );
  const entries: TarEntry[] = [];
  const seen = new Set<string>();
  let at = 0;
  for (;;) {
    const header = bytes.subarray(at, at + BLOCK_BYTES);
    if (header.length < BLOCK_BYTES)
      throw new TarError(`ends at byte ${bytes.length} without an end mark`);
    if (isZero(header)) break;
    const entry = readHeader(header, at);
    if (entry.offset + entry.sizeBytes > bytes.length)
      throw new TarError(
        `'${entry.name}' at byte ${at} claims ${entry.sizeBytes} bytes; ${bytes.length - entry.offset} are left`,
      );
    if (seen.has(entry.name))
      throw new TarError(`'${entry.name}' at byte ${at} occurs twice`);
    seen.add(entry.name);
    entries.push(entry);
    at = entry.offset + padded(entry.sizeBytes);
  }
  if (!isZero(bytes.subarray(at)))
    throw new TarError(`has bytes after its end mark at byte ${at}`);
  return entries;
}

function readHeader(header: Buffer, at: number): TarEntry {
  const { name, type, sizeBytes } = parseTarHeader(header, at);
  if (type !== "0")
    throw new TarError(
      `'${name}' at byte ${at} is not a regular file (type '${type}')`,
    );
  checkTarName(name, at);
  return { name, offset: at + BLOCK_BYTES, sizeBytes };
}

/** What a header says; `at` is where it stands, for messages. A regular file has the type "0". @throws TarError */
export function parseTarHeader(
  header: Buffer,
  at: number,
): {
  readonly name: string;
  readonly type: string;
  readonly sizeBytes: number;
} {
  if (octalField(header, 148, 8, at) !== headerSum(header))
    throw new TarError(`header at byte ${at} fails its checksum`);
  if (header.toString("latin1", 257, 262) !== "ustar")
    throw new TarError(`header at byte ${at} is not ustar`);
  const type = header[156] as number;
  return {
    name: memberName(header),
    type: type === 0 ? "0" : String.fromCharCode(type),
    sizeBytes: octalField(header, 124, 12, at),
  };
}

function memberName(header: Buffer): string {
  const name = textField(header, 0, 100);
  const prefix = textField(header, 345, 155);
  return prefix ? `${prefix}/${name}` : name;
}

/** @throws TarError for a name that could not lie below a folder. */
export function checkTarName(name: string, at: number): void {
  const isSafe =
    name !== "" &&
    !name.includes("\\") &&
    name
      .split("/")
      .every((part) => part !== "" && part !== "." && part !== "..");
  if (!isSafe)
    throw new TarError(`name '${name}' at byte ${at} leaves the archive`);
}

function textField(header: Buffer, offset: number, length: number): string {
  const field = header.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end);
}

/** Octal digits between optional spaces and a NUL or space. Base-256 sizes (over 8 GiB) are refused. */
function octalField(
  header: Buffer,
  offset: number,
  length: number,
  at: number,
): number {
  const text = header.toString("latin1", offset, offset + length);
  const digits = /^ *([0-7]+)[\0 ]*$/.exec(text)?.[1];
  if (digits === undefined)
    throw new TarError(
      `header at byte ${at} has no octal number at offset ${offset}`,
    );
  return Number.parseInt(digits, 8);
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
