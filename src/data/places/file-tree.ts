/**
 * The files of a source, wherever it lies: a folder on this machine, or a prefix of a bucket. Listed once, when opened;
 * formats are made of the list and of reads, and know no difference.
 *
 * Hidden files, links and whatever is no regular file are not in the list but counted (invariant J); links are not
 * followed. A bucket has none of these but hidden names, which its store does not list.
 *
 * What is read must have the size that was listed: a source that is edited while it is packed is noticed.
 */
import type { Dirent } from "node:fs";
import { open, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { mapBounded } from "../../base/async.ts";
import { systemCode, UserError } from "../../base/errors.ts";
import type { Store } from "../../store/store.ts";
import { byCodeUnit } from "./left-out.ts";

export type TreeFile = {
  /** Relative, `/`-separated. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
};

export type FileTree = {
  /** A folder or a URL, for messages. */
  readonly name: string;
  /** On this machine; null: in a bucket. */
  readonly directory: string | null;
  /** `name@version` of an npm package; null: its content has to be looked at. */
  readonly release: string | null;
  /** By the code units of their paths. */
  readonly files: readonly TreeFile[];
  /** Folders without files below them, by code units; a bucket has none. */
  readonly emptyFolders: readonly string[];
  readonly leftOut: readonly {
    readonly origin: string;
    readonly reason: string;
  }[];
  /** A file of the list, whole. @throws UserError `data.source-unreadable`, `data.source-changed` */
  read(file: TreeFile): Promise<Uint8Array>;
  readRange(
    file: TreeFile,
    range: { readonly offset: number; readonly length: number },
  ): Promise<Uint8Array>;
};

const STATS_AT_ONCE = 16;

export async function openFolderTree(
  directory: string,
  release: string | null,
): Promise<FileTree> {
  const walk: Walk = { files: [], emptyFolders: [], leftOut: [] };
  await walkFolder(directory, "", walk);
  const files = await mapBounded(walk.files, STATS_AT_ONCE, async (file) => {
    const name = path.join(directory, file);
    const { size, mtimeMs } = await orUnreadable(name, () => stat(name));
    return { path: file, sizeBytes: size, modifiedAtMs: Math.floor(mtimeMs) };
  });
  return {
    name: directory,
    directory,
    release,
    files: files.sort((a, b) => byCodeUnit(a.path, b.path)),
    emptyFolders: walk.emptyFolders.sort(byCodeUnit),
    leftOut: walk.leftOut,
    read: (file) => readWhole(directory, file),
    readRange: (file, range) => readPart(directory, file, range),
  };
}

type Walk = {
  readonly files: string[];
  readonly emptyFolders: string[];
  readonly leftOut: { origin: string; reason: string }[];
};

/** `prefix` is empty or ends in `/`. */
async function walkFolder(
  directory: string,
  prefix: string,
  walk: Walk,
): Promise<void> {
  const folder = path.join(directory, prefix);
  const entries = await orUnreadable(folder, () =>
    readdir(folder, { withFileTypes: true }),
  );
  if (entries.length === 0 && prefix !== "")
    walk.emptyFolders.push(prefix.slice(0, -1));
  for (const entry of entries) {
    const origin = prefix + entry.name;
    const reason = reasonToLeaveOut(entry);
    if (reason !== null) walk.leftOut.push({ origin, reason });
    else if (entry.isFile()) walk.files.push(origin);
    else await walkFolder(directory, `${origin}/`, walk);
  }
}

function reasonToLeaveOut(entry: Dirent): string | null {
  if (entry.name.startsWith(".")) return "hidden";
  if (entry.isSymbolicLink()) return "symbolic link";
  return entry.isFile() || entry.isDirectory() ? null : "not a regular file";
}

async function readWhole(directory: string, file: TreeFile) {
  const name = path.join(directory, file.path);
  const bytes = await orUnreadable(name, () => readFile(name));
  return checkSize(name, file, bytes);
}

async function readPart(
  directory: string,
  file: TreeFile,
  { offset, length }: { readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  const name = path.join(directory, file.path);
  const handle = await orUnreadable(name, () => open(name));
  try {
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length;) {
      const rest = length - done;
      const { bytesRead } = await handle.read(bytes, done, rest, offset + done);
      if (bytesRead === 0) throw changed(name);
      done += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/** All objects of a store that is opened at the source's prefix. Reads are retried and resumed by the store. */
export async function openBucketTree(store: Store): Promise<FileTree> {
  const files: TreeFile[] = [];
  for await (const found of store.list("")) files.push(found);
  const nameOf = (file: TreeFile) => `${store.url}/${file.path}`;
  const readOrNull = async (
    file: TreeFile,
    read: Promise<Uint8Array | null>,
  ) => {
    const bytes = await read.catch((thrown: unknown) => {
      if (thrown instanceof UserError && thrown.code === "store.range")
        throw changed(nameOf(file));
      throw thrown;
    });
    if (bytes === null) throw unreadable(nameOf(file), "it is gone");
    return bytes;
  };
  return {
    name: store.url,
    directory: null,
    release: null,
    files,
    emptyFolders: [],
    leftOut: [],
    read: async (file) =>
      checkSize(
        nameOf(file),
        file,
        await readOrNull(file, store.read(file.path)),
      ),
    readRange: (file, range) => readOrNull(file, store.read(file.path, range)),
  };
}

function checkSize(
  name: string,
  file: TreeFile,
  bytes: Uint8Array,
): Uint8Array {
  if (bytes.length === file.sizeBytes) return bytes;
  throw changed(name);
}

/** What a person has closed, or changed while we read: gone, or a folder and a file have taken each other's place. */
const UNREADABLE = ["EACCES", "ENOENT", "EISDIR", "ENOTDIR"];

/** @throws UserError `data.source-unreadable` for what may not be read, or is no longer there. */
export async function orUnreadable<T>(
  name: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === null || !UNREADABLE.includes(code)) throw thrown;
    throw unreadable(name, code, thrown);
  }
}

function unreadable(name: string, why: string, cause?: unknown): UserError {
  return new UserError({
    code: "data.source-unreadable",
    message: `'${name}' belongs to the source and can not be read (${why})`,
    hint: "let the user who runs hueline read it (`chmod -R a+rX FOLDER`), leave the source unchanged while it is packed, and run again",
    cause,
  });
}

function changed(name: string): UserError {
  return new UserError({
    code: "data.source-changed",
    message: `'${name}' has another size than when the source was listed`,
    hint: "leave the source unchanged while it is packed, and run again; its new content gets a new key",
  });
}
