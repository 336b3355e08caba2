/**
 * Walks the members of a tar that somebody else made, without holding it: of an archive on disk or in a bucket, only the
 * headers are read, in pieces, and contents are skipped unless asked for.
 *
 * Takes ustar as GNU tar, BSD tar and Python write it: names that do not fit come in a header of their own (pax `path`,
 * GNU `L`). Folders are passed over; links, devices and sparse files are given with their type, for the caller to count.
 * The archive is hostile input: every header is checked, and nothing is believed that lies outside the archive.
 */
import { BLOCK_BYTES, padded } from "../shards/tar-writer.ts";
import {
  checkTarName,
  isZero,
  parseTarHeader,
  TarError,
  type TarEntry,
} from "../shards/tar-reader.ts";

export type TarArchive = {
  readonly sizeBytes: number;
  read(range: {
    readonly offset: number;
    readonly length: number;
  }): Promise<Uint8Array>;
};

export type TarMemberFound = TarEntry & {
  /** "0": a regular file; else the type in its header. */
  readonly type: string;
};

const FOLDER = "5";
const PAX = "x";
const PAX_GLOBAL = "g";
const GNU_LONG_NAME = "L";
/** Of a header that holds a name; more is no name. */
const MAX_NAME_BYTES = 64 * 2 ** 10;
const PIECE_BYTES = 2 ** 20;

/** The members in their order. @throws TarError naming the byte where the archive stops making sense. */
export async function* tarMembers(
  archive: TarArchive,
): AsyncGenerator<TarMemberFound, void, undefined> {
  const read = createPieceReader(archive);
  let longName: string | null = null;
  for (let at = 0; at < archive.sizeBytes;) {
    const header = await read(at, BLOCK_BYTES);
    if (isZero(header)) return;
    const { name, type, sizeBytes } = parseTarHeader(header, at);
    const offset = at + BLOCK_BYTES;
    if (offset + sizeBytes > archive.sizeBytes)
      throw new TarError(
        `'${name}' at byte ${at} claims ${sizeBytes} bytes; ${archive.sizeBytes - offset} are left`,
      );
    if (type === PAX || type === GNU_LONG_NAME) {
      if (sizeBytes > MAX_NAME_BYTES)
        throw new TarError(`name at byte ${at} has ${sizeBytes} bytes`);
      const content = await read(offset, sizeBytes);
      longName = type === PAX ? paxPath(content, at) : toText(content);
    } else if (type !== PAX_GLOBAL) {
      const own = longName ?? name;
      longName = null;
      if (type !== FOLDER)
        yield toMember({ name: own, type, offset, sizeBytes });
    }
    at = offset + padded(sizeBytes);
  }
}

function toMember(found: TarMemberFound): TarMemberFound {
  // `tar c .` writes "./a.jpg".
  const name = found.name.replace(/^(?:\.\/)+/, "");
  checkTarName(name, found.offset - BLOCK_BYTES);
  return { ...found, name };
}

/** The `path` of a pax header ("23 path=a/b.jpg\n", POSIX.1-2001); null: it is about something else. */
function paxPath(content: Buffer, at: number): string | null {
  let path: string | null = null;
  for (let start = 0; start < content.length;) {
    const blank = content.indexOf(0x20, start);
    const digits = content.toString("latin1", start, Math.max(start, blank));
    const length = /^[1-9]\d{0,5}$/.test(digits) ? Number(digits) : 0;
    const end = start + length;
    if (length < 5 || end > content.length || content[end - 1] !== 0x0a)
      throw new TarError(`extended header at byte ${at} is broken`);
    const record = content.toString("utf8", blank + 1, end - 1);
    if (record.startsWith("path=")) path = record.slice("path=".length);
    // A size that does not fit the header: contents of 8 GiB are no images.
    if (record.startsWith("size=") || record.startsWith("GNU.sparse"))
      throw new TarError(`extended header at byte ${at} is not supported`);
    start = end;
  }
  return path;
}

function toText(content: Buffer): string {
  const end = content.indexOf(0);
  return content.toString("utf8", 0, end < 0 ? content.length : end);
}

/** Reads forward in pieces: neighbouring headers of small members cost one read. */
function createPieceReader(archive: TarArchive) {
  let start = 0;
  let piece: Buffer = Buffer.alloc(0);
  return async (offset: number, length: number): Promise<Buffer> => {
    if (offset + length > archive.sizeBytes)
      throw new TarError(
        `ends at byte ${archive.sizeBytes} without an end mark`,
      );
    if (offset < start || offset + length > start + piece.length) {
      const rest = archive.sizeBytes - offset;
      const bytes = await archive.read({
        offset,
        length: Math.min(rest, Math.max(length, PIECE_BYTES)),
      });
      piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      start = offset;
    }
    return piece.subarray(offset - start, offset - start + length);
  };
}
