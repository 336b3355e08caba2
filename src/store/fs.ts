/**
 * The store in a folder, for a laptop or a file system that machines share: objects are files with the same names,
 * so `ls`, `tar` and a file browser work on it.
 *
 * Owns: turning paths into files, keeping plain objects and records apart, and the port's two kinds of error.
 * How a write stays whole is in `fs/files.ts`, how a record is swapped in `fs/records.ts`, listing in `fs/walk.ts`.
 * Refuses: names that start with a dot (`.tmp` and `.records` are its own) and anything `path.ts` refuses.
 * A folder that loses its last object is removed, as folders of a bucket are.
 */
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { systemCode } from "../base/errors.ts";
import { isAbsence, toStoreError } from "./fs/errors.ts";
import { nodeFileSystem } from "./fs/file-system.ts";
import type { FileSystem } from "./fs/file-system.ts";
import { createFiles } from "./fs/files.ts";
import { createRecords } from "./fs/records.ts";
import { listFolders, walk } from "./fs/walk.ts";
import { createMixedUse } from "./mixed-use.ts";
import { checkObjectPath, checkPrefix } from "./path.ts";
import { checkRange, withExactSize } from "./ranges.ts";
import type { ObjectInfo, Store } from "./store.ts";

export type FileStoreOptions = {
  /** Absolute; made by the first write. */
  readonly directory: string;
  readonly clock?: Clock;
  /** The system's calls; a test's failing ones. */
  readonly fileSystem?: FileSystem;
};

export function createFileStore(options: FileStoreOptions): Store {
  const root = options.directory;
  const fs = options.fileSystem ?? nodeFileSystem;
  const clock = options.clock ?? systemClock;
  const files = createFiles({ root, fs, now: () => clock.now() });
  const records = createRecords({ root, fs, files });
  const toFile = (objectPath: string): string => path.join(root, objectPath);

  /** Runs a method of the port: path rules before, meaning of the system's errors after. */
  async function guard<T>(
    action: string,
    objectPath: string,
    run: () => Promise<T>,
  ): Promise<T> {
    checkObjectPath(objectPath);
    try {
      return await run();
    } catch (thrown) {
      throw toStoreError(thrown, { action, directory: root, path: objectPath });
    }
  }

  async function statFile(objectPath: string): Promise<ObjectInfo | null> {
    const found = await fs.look(toFile(objectPath));
    if (!found?.isFile()) return null;
    const { size, mtimeMs } = found;
    return { path: objectPath, sizeBytes: size, modifiedAtMs: mtimeMs };
  }

  async function refuseRecord(objectPath: string): Promise<void> {
    if (await records.has(objectPath)) throw createMixedUse(objectPath);
  }

  /** A bug of the caller; looked for only where a record is about to be born. */
  async function refusePlain(objectPath: string): Promise<void> {
    if (await records.has(objectPath)) return;
    const plain = await statFile(objectPath);
    // Asked again: another process may have made the record, and its plain copy, in between.
    if (plain && !(await records.has(objectPath)))
      throw createMixedUse(objectPath);
  }

  /** Writes a temporary file and gives it its name with `name` (W1, W2). */
  async function publish<T>(
    objectPath: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    name: (temporary: string, file: string) => Promise<T>,
  ): Promise<T> {
    await refuseRecord(objectPath);
    const file = toFile(objectPath);
    const folder = path.dirname(file);
    return files.withTemporary(chunks, async (temporary) => {
      const result = await files.inFolder(folder, () => name(temporary, file));
      await files.flushFolder(folder);
      return result;
    });
  }

  /** Folders that became empty go, up to the root; a writer that meets a missing folder makes it again. */
  async function removeEmptyFolders(folder: string): Promise<void> {
    for (let at = folder; at !== root; at = path.dirname(at)) {
      try {
        await fs.rmdir(at);
      } catch (thrown) {
        if (isAbsence(thrown)) continue;
        const code = systemCode(thrown) ?? "";
        if (["ENOTEMPTY", "EEXIST", "EBUSY"].includes(code)) return;
        throw thrown;
      }
    }
  }

  return {
    url: pathToFileURL(root).href,
    stat: (objectPath) =>
      guard("look at", objectPath, () => statFile(objectPath)),
    read: (objectPath, range) =>
      guard("read", objectPath, () =>
        orNull(
          files.readWhole(toFile(objectPath), (sizeBytes) => {
            if (!range) return { offset: 0, length: sizeBytes };
            checkRange(objectPath, range, sizeBytes);
            return range;
          }),
        ),
      ),
    readInto: (objectPath, offset, target) =>
      guard("read", objectPath, async () => {
        const check = (sizeBytes: number): void =>
          checkRange(
            objectPath,
            { offset, length: target.byteLength },
            sizeBytes,
          );
        const file = toFile(objectPath);
        const read = await orNull(files.readInto(file, offset, target, check));
        // It was cut off while it was read: refused by its new size.
        if (read !== null && read < target.byteLength) check(offset + read);
        return read !== null;
      }),
    link: async (objectPath) =>
      pathToFileURL(toFile(checkObjectPath(objectPath))).href,
    async *list(prefix) {
      checkPrefix(prefix);
      try {
        yield* walk({ root, fs, records }, prefix);
      } catch (thrown) {
        const at = { action: "list", directory: root, path: prefix };
        throw toStoreError(thrown, at);
      }
    },
    async listFolders(prefix) {
      checkPrefix(prefix);
      try {
        return await listFolders({ root, fs, records }, prefix);
      } catch (thrown) {
        const at = { action: "list", directory: root, path: prefix };
        throw toStoreError(thrown, at);
      }
    },
    put: (objectPath, bytes) =>
      guard("write", objectPath, () => publish(objectPath, [bytes], fs.rename)),
    putIfAbsent: (objectPath, bytes) =>
      guard("write", objectPath, async () => {
        if (await statFile(objectPath)) {
          await refuseRecord(objectPath);
          return "exists";
        }
        return publish(objectPath, [bytes], async (temporary, file) => {
          try {
            await fs.link(temporary, file);
            return "written";
          } catch (thrown) {
            // A folder of that name is EEXIST as well, and is no object.
            if (
              systemCode(thrown) !== "EEXIST" ||
              !(await statFile(objectPath))
            )
              throw thrown;
            return "exists";
          }
        });
      }),
    async putStream(objectPath, sizeBytes, chunks) {
      const source = rememberFailure(
        withExactSize(objectPath, sizeBytes, chunks),
      );
      await guard("write", objectPath, async () => {
        try {
          await publish(objectPath, source.chunks, fs.rename);
        } catch (thrown) {
          if (source.failure() === null) throw thrown;
        }
      });
      // The source's own error, as it is: an ENOSPC or EACCES of another disk is not the store's.
      const failure = source.failure();
      if (failure) throw failure.thrown;
    },
    append: (objectPath, bytes) =>
      guard("append to", objectPath, async () => {
        const file = toFile(objectPath);
        const handle = await files.inFolder(path.dirname(file), () =>
          fs.open(file, "a"),
        );
        try {
          await handle.appendFile(bytes);
        } finally {
          await handle.close();
        }
      }),
    readRecord: (objectPath) =>
      guard("read", objectPath, () => records.read(objectPath)),
    swap: (objectPath, bytes, expected) =>
      guard("write", objectPath, async () => {
        if (expected === null) await refusePlain(objectPath);
        return records.swap(objectPath, bytes, expected);
      }),
    remove: (objectPath) =>
      guard("remove", objectPath, async () => {
        if (await records.has(objectPath)) return records.remove(objectPath);
        // unlink of a folder is EISDIR on Linux, EPERM elsewhere: a folder is no object, so there is nothing to do.
        if (!(await statFile(objectPath))) return;
        await files.unlink(toFile(objectPath));
        await removeEmptyFolders(path.dirname(toFile(objectPath)));
      }),
  };
}

/** Lets a caller tell an error of the chunks from one of writing them. */
function rememberFailure(chunks: AsyncIterable<Uint8Array>): {
  readonly chunks: AsyncIterable<Uint8Array>;
  failure(): { readonly thrown: unknown } | null;
} {
  let failure: { readonly thrown: unknown } | null = null;
  async function* pass(): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (thrown) {
      failure = { thrown };
      throw thrown;
    }
  }
  return { chunks: pass(), failure: () => failure };
}

/** EISDIR: a folder stands there, which is no object. */
async function orNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (thrown) {
    if (isAbsence(thrown) || systemCode(thrown) === "EISDIR") return null;
    throw thrown;
  }
}
