/**
 * A file that is being downloaded in ranges, in any order, and survives a kill at any moment.
 *
 * P1 Bytes go to `<file>.part`. Its name becomes `<file>` by one rename, after the sum of all its bytes was found right
 *    and the bytes were flushed, unless that was not wanted: whoever sees `<file>` sees all of it.
 * P2 `<file>.part.ranges` lists the ranges that are written, each with its CRC-32, one JSON line each. A listed range is
 *    believed only after its bytes were read back and summed: a power cut may have kept the line and lost the bytes.
 * P3 Its first line says which object it is of. What was begun for another size, sum or range length begins anew.
 *
 * One process downloads a file at a time.
 */
import { open, readFile, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import * as path from "node:path";
import { crc32 } from "node:zlib";
import { systemCode } from "../../base/errors.ts";
import { makeFolder, onLocalFile } from "./local-files.ts";
import type { ObjectToDownload } from "./transfer.ts";

const verifyBytes = 1024 * 1024;

export type FileRange = {
  readonly index: number;
  readonly offset: number;
  readonly length: number;
};

export type PartialFile = {
  readonly ranges: readonly FileRange[];
  /** The CRC-32 of each range that is there. */
  readonly sums: ReadonlyMap<number, number>;
  write(range: FileRange, bytes: Uint8Array, sum: number): Promise<void>;
  /** P1. The caller has found the sum right. */
  publish(options: { readonly flush: boolean }): Promise<void>;
  /** Keeps what has come for the next time. */
  close(): Promise<void>;
};

/** Opens what an earlier download of the object left, verified (P2), or an empty one. */
export async function openPartialFile(
  object: ObjectToDownload,
  rangeBytes: number,
): Promise<PartialFile> {
  const { file, sizeBytes } = object;
  const part = `${file}.part`;
  const ranges = toRanges(sizeBytes, rangeBytes);
  return onLocalFile("write", file, async () => {
    await makeFolder(path.dirname(file));
    const list = await openList(object, ranges, rangeBytes);
    const handle = await openPart(part, list.before.size > 0);
    try {
      const sums = await verify(handle, ranges, list.before);
      await list.begin(sums);
      return toPartialFile(object, { part, handle, list, ranges, sums });
    } catch (thrown) {
      await Promise.allSettled([handle.close(), list.close()]);
      throw thrown;
    }
  });
}

function toPartialFile(
  { file, sizeBytes }: ObjectToDownload,
  opened: {
    readonly part: string;
    readonly handle: FileHandle;
    readonly list: RangeList;
    readonly ranges: readonly FileRange[];
    readonly sums: Map<number, number>;
  },
): PartialFile {
  const { part, handle, list, ranges, sums } = opened;
  async function close(): Promise<void> {
    try {
      await handle.close();
    } finally {
      await list.close();
    }
  }
  return {
    ranges,
    sums,
    close,
    write: (range, bytes, sum) =>
      onLocalFile("write", file, async () => {
        await writeAt(handle, bytes, range.offset);
        sums.set(range.index, sum);
        await list.add(range.index, sum);
      }),
    publish: ({ flush }) =>
      onLocalFile("write", file, async () => {
        // What was there before may have been longer.
        await handle.truncate(sizeBytes);
        if (flush) await handle.sync();
        await close();
        await rename(part, file);
        await list.remove();
      }),
  };
}

/** Emptied unless ranges of it are listed, and made where it is not there. */
async function openPart(part: string, isKept: boolean): Promise<FileHandle> {
  try {
    return await open(part, isKept ? "r+" : "w+");
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") throw thrown;
    return open(part, "w+");
  }
}

/** P2, P3. */
type RangeList = {
  /** What the list held when it was opened. */
  readonly before: ReadonlyMap<number, number>;
  /** Writes the list anew with these. */
  begin(sums: ReadonlyMap<number, number>): Promise<void>;
  add(range: number, sum: number): Promise<void>;
  close(): Promise<void>;
  remove(): Promise<void>;
};

async function openList(
  { file, sizeBytes, crc32: wanted }: ObjectToDownload,
  ranges: readonly FileRange[],
  rangeBytes: number,
): Promise<RangeList> {
  const listFile = `${file}.part.ranges`;
  const header = JSON.stringify({
    version: 1,
    sizeBytes,
    crc32: wanted,
    rangeBytes,
  });
  let handle: FileHandle | null = null;
  return {
    before: parseList(await readOrNull(listFile), header),
    async begin(sums) {
      // One range needs no list: it is there with its end.
      if (ranges.length <= 1) return;
      handle = await open(listFile, "w");
      const lines = [...sums].map(([range, sum]) => toLine(range, sum));
      await handle.appendFile([`${header}\n`, ...lines].join(""));
    },
    add: async (range, sum) => handle?.appendFile(toLine(range, sum)),
    close: async () => handle?.close(),
    remove: () => rm(listFile, { force: true }),
  };
}

function toRanges(sizeBytes: number, rangeBytes: number): FileRange[] {
  const count = Math.ceil(sizeBytes / rangeBytes);
  return Array.from({ length: count }, (_, index) => {
    const offset = index * rangeBytes;
    return { index, offset, length: Math.min(rangeBytes, sizeBytes - offset) };
  });
}

const toLine = (range: number, sum: number): string =>
  `${JSON.stringify({ range, crc32: sum })}\n`;

/** P3. A last line that a kill cut, and whatever else cannot be understood, is no range. */
function parseList(text: string | null, header: string): Map<number, number> {
  const [first, ...lines] = (text ?? "").split("\n");
  const sums = new Map<number, number>();
  if (first !== header) return sums;
  for (const line of lines) {
    const [, range, sum] = /^\{"range":(\d+),"crc32":(\d+)\}$/.exec(line) ?? [];
    if (range !== undefined) sums.set(Number(range), Number(sum));
  }
  return sums;
}

/** P2. */
async function verify(
  handle: FileHandle,
  ranges: readonly FileRange[],
  listed: ReadonlyMap<number, number>,
): Promise<Map<number, number>> {
  const sums = new Map<number, number>();
  for (const range of ranges) {
    const wanted = listed.get(range.index);
    if (wanted !== undefined && (await sumOf(handle, range)) === wanted)
      sums.set(range.index, wanted);
  }
  return sums;
}

async function sumOf(
  handle: FileHandle,
  { offset, length }: FileRange,
): Promise<number> {
  const chunk = Buffer.allocUnsafe(Math.min(length, verifyBytes));
  let sum = 0;
  for (let done = 0; done < length;) {
    const wanted = Math.min(chunk.byteLength, length - done);
    const { bytesRead } = await handle.read(chunk, 0, wanted, offset + done);
    if (bytesRead === 0) return -1;
    sum = crc32(chunk.subarray(0, bytesRead), sum);
    done += bytesRead;
  }
  return sum;
}

/** One `write` may take less than it was given: near a quota or the end of the disk. */
async function writeAt(
  handle: FileHandle,
  bytes: Uint8Array,
  offset: number,
): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const left = bytes.byteLength - done;
    const written = await handle.write(bytes, done, left, offset + done);
    done += written.bytesWritten;
  }
}

async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}
