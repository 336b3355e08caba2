/**
 * Blocks of shards in a folder of this machine, so that the second epoch, the second process and the second attempt read
 * a disk instead of a bucket. Several threads and processes share a folder.
 *
 * C1 A file appears under its name only whole (written aside, then renamed), and ends in the checksum of its bytes:
 *    whatever a kill, a full disk or another program leaves there is read as "not there", and removed.
 * C2 The files of all together stay below the limit: before one is written the folder is looked at every so often, and
 *    the files that were not used for longest go. An open file survives its removal.
 * C3 A folder that can not be read or written ends caching, not training; `problem` says why.
 */
import { randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { systemCode, toError } from "../../base/errors.ts";
import type { CacheOptions } from "./messages.ts";

const ENDING = ".block";
const TRAILER_BYTES = 4;
/** A file that is written aside for longer belongs to a process that was killed. */
const ABANDONED_AFTER_MS = 3_600_000;
/** The folder is looked at after so much of the limit was written, and emptied to 7/8: eight threads stay within it. */
const LOOK_EVERY = 1 / 64;
const KEEP = 7 / 8;

export type BlockCache = {
  /** Fills `target` from the file of that name; false: it is not there. */
  read(name: string, target: Buffer): Promise<boolean>;
  write(name: string, bytes: Buffer): Promise<void>;
  discard(name: string): Promise<void>;
  /** Why nothing is written any more; null: it is. */
  problem(): string | null;
};

/** The file of a block; its bytes come first. */
export function blockFile(directory: string, name: string): string {
  return path.join(directory, name + ENDING);
}

export function createBlockCache({
  directory,
  maxBytes,
}: CacheOptions): BlockCache {
  let problem: string | null = null;
  let writtenBytes = Infinity;
  const toFile = (name: string): string => blockFile(directory, name);

  async function write(name: string, bytes: Buffer): Promise<void> {
    if (problem !== null || bytes.length > maxBytes * KEEP) return;
    const temporary = path.join(directory, `${randomUUID()}.tmp`);
    try {
      await makeRoom(bytes.length);
      await writeWhole(temporary, bytes);
      await fs.rename(temporary, toFile(name));
    } catch (thrown) {
      problem = toError(thrown).message;
      await fs.rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  /** C2 */
  async function makeRoom(bytes: number): Promise<void> {
    writtenBytes += bytes;
    if (writtenBytes < maxBytes * LOOK_EVERY) return;
    await fs.mkdir(directory, { recursive: true });
    writtenBytes = bytes;
    await sweep(directory, maxBytes * KEEP - bytes);
  }

  return {
    async read(name, target) {
      if (problem !== null) return false;
      const file = toFile(name);
      try {
        const isWhole = await readWhole(file, target);
        if (isWhole === false) await fs.rm(file, { force: true });
        if (isWhole) await touch(file);
        return isWhole ?? false;
      } catch (thrown) {
        problem = toError(thrown).message;
        return false;
      }
    },
    write,
    async discard(name) {
      await fs.rm(toFile(name), { force: true });
    },
    problem: () => problem,
  };
}

/** Whether the file has the bytes that its trailer says; null: there is no file. */
async function readWhole(
  file: string,
  target: Buffer,
): Promise<boolean | null> {
  const handle = await orNull(fs.open(file, "r"));
  if (!handle) return null;
  try {
    const { size } = await handle.stat();
    if (size !== target.length + TRAILER_BYTES) return false;
    const trailer = Buffer.alloc(TRAILER_BYTES);
    await fill(handle, target, 0);
    await fill(handle, trailer, target.length);
    return trailer.readUInt32LE() === crc32(target);
  } finally {
    await handle.close();
  }
}

/** What a file that is cut off meanwhile does not fill fails its checksum. */
async function fill(
  handle: fs.FileHandle,
  target: Buffer,
  position: number,
): Promise<void> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await handle.read(
      target,
      filled,
      target.length - filled,
      position + filled,
    );
    if (bytesRead === 0) return;
    filled += bytesRead;
  }
}

async function writeWhole(file: string, bytes: Buffer): Promise<void> {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32LE(crc32(bytes));
  const handle = await fs.open(file, "wx");
  try {
    await handle.writev([bytes, trailer]);
  } finally {
    await handle.close();
  }
}

/** The time of last use; whether it can be set decides nothing. */
async function touch(file: string): Promise<void> {
  const now = new Date();
  await fs.utimes(file, now, now).catch(() => undefined);
}

/** Removes what was abandoned, then what was unused for longest until `keepBytes` are left. */
async function sweep(directory: string, keepBytes: number): Promise<void> {
  const files = await listFiles(directory);
  const now = Date.now();
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { file, size, usedAtMs } of files) {
    const isAbandoned =
      !file.endsWith(ENDING) && now - usedAtMs > ABANDONED_AFTER_MS;
    const isSurplus = file.endsWith(ENDING) && total > keepBytes;
    if (!isAbandoned && !isSurplus) continue;
    await fs.rm(file, { force: true });
    total -= size;
  }
}

/** Those of ours, the one that was unused for longest first. */
async function listFiles(directory: string) {
  const files = [];
  for (const name of await fs.readdir(directory)) {
    if (!name.endsWith(ENDING) && !name.endsWith(".tmp")) continue;
    const file = path.join(directory, name);
    const found = await orNull(fs.stat(file));
    if (found?.isFile())
      files.push({ file, size: found.size, usedAtMs: found.mtimeMs });
  }
  return files.toSorted((a, b) => a.usedAtMs - b.usedAtMs);
}

/** Null for a file that is not there: others write and remove in the same folder. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}
