/**
 * Plain ustar archives (POSIX.1-1988), whose bytes depend on the members alone: times, user and group are zero,
 * modes are 0644, members stand in the given order. `tar tvf`, Python's tarfile and WebDataset read them.
 *
 * The members' sizes are known before the first byte is written, so offsets and the size of the archive are too; their
 * contents are asked for one by one, and never held together.
 */

export const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
/** Eleven octal digits. */
const MAX_MEMBER_BYTES = 8 ** 11 - 1;
const CHUNK_BYTES = 2 ** 20;

export type TarMember = {
  /** ASCII, relative, at most 100 bytes. */
  readonly name: string;
  readonly sizeBytes: number;
  read(): Promise<Uint8Array> | Uint8Array;
};

export type TarLayout = {
  readonly sizeBytes: number;
  /** Where each member's content starts, in the members' order. */
  readonly offsets: readonly number[];
};

/** Where everything will stand in the archive of these members. */
export function planTar(
  members: readonly { readonly sizeBytes: number }[],
): TarLayout {
  let at = 0;
  const offsets = members.map(({ sizeBytes }) => {
    const offset = at + BLOCK_BYTES;
    at = offset + padded(sizeBytes);
    return offset;
  });
  return { offsets, sizeBytes: at + 2 * BLOCK_BYTES };
}

/** The archive in chunks of about 1 MiB, or one member if that is larger. The reader may keep them. */
export async function* tarChunks(
  members: readonly TarMember[],
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = Buffer.alloc(CHUNK_BYTES);
  let used = 0;
  for await (const piece of tarPieces(members)) {
    if (used > 0 && used + piece.length > chunk.length) {
      yield chunk.subarray(0, used);
      chunk = Buffer.alloc(CHUNK_BYTES);
      used = 0;
    }
    if (piece.length > chunk.length) {
      yield piece;
      continue;
    }
    chunk.set(piece, used);
    used += piece.length;
  }
  if (used > 0) yield chunk.subarray(0, used);
}

/** Headers, contents and padding one by one. */
async function* tarPieces(
  members: readonly TarMember[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { name, sizeBytes, read } of members) {
    yield tarHeader(name, sizeBytes);
    const content = await read();
    if (content.length !== sizeBytes)
      throw new Error(
        `'${name}' has ${content.length} bytes, not ${sizeBytes}`,
      );
    yield content;
    const rest = padded(sizeBytes) - sizeBytes;
    if (rest > 0) yield Buffer.alloc(rest);
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

/** The 512-byte header of a regular file. */
export function tarHeader(name: string, sizeBytes: number): Buffer {
  if (!/^[\x21-\x7e]+$/.test(name) || name.length > NAME_BYTES)
    throw new RangeError(`'${name}' is no name for a member of a shard`);
  if (sizeBytes > MAX_MEMBER_BYTES)
    throw new RangeError(`${sizeBytes} bytes do not fit a ustar member`);
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0, "latin1");
  header.write("0000644\0", 100, "latin1");
  header.write("0000000\0", 108, "latin1");
  header.write("0000000\0", 116, "latin1");
  header.write(`${octal(sizeBytes, 11)}\0`, 124, "latin1");
  header.write(`${octal(0, 11)}\0`, 136, "latin1");
  header.write(" ".repeat(8), 148, "latin1");
  header.write("0", 156, "latin1");
  header.write("ustar\u000000", 257, "latin1");
  header.write("0000000\0", 329, "latin1");
  header.write("0000000\0", 337, "latin1");
  header.write(`${octal(headerSum(header), 6)}\0 `, 148, "latin1");
  return header;
}

/** The checksum of a header: the sum of its bytes, with spaces where the checksum itself stands. */
export function headerSum(header: Uint8Array): number {
  let sum = 8 * 32;
  for (let i = 0; i < BLOCK_BYTES; i++)
    if (i < 148 || i >= 156) sum += header[i] as number;
  return sum;
}

/** Size rounded up to whole blocks. */
export function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
