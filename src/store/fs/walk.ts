/**
 * Listing a folder tree in the order of the objects' paths: depth first, names in the order of their code units,
 * a folder standing as `<name>/`, so that `a.txt` comes before `a/b` as it does in a bucket.
 * Folders that start with a dot belong to the store. A file that goes away while it is listed is left out; any
 * other failure ends the listing with an error, for half a listing is worse than none.
 */
import * as path from "node:path";
import { mapBounded } from "../../base/async.ts";
import type { ObjectInfo } from "../store.ts";
import { isAbsence } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { recordsFolder } from "./records.ts";
import type { Records } from "./records.ts";

const statsInFlight = 16;

type Entry = {
  readonly kind: "folder" | "file" | "record";
  readonly name: string;
};

type Walk = {
  readonly root: string;
  readonly fs: FileSystem;
  readonly records: Records;
};

/** Objects below `prefix`, which is empty or ends in `/`. */
export async function* walk(
  options: Walk,
  prefix: string,
): AsyncGenerator<ObjectInfo> {
  const entries = await readEntries(options, prefix);
  // Looked at in slices: a folder of 100,000 objects must not hold as many pending calls.
  for (let start = 0; start < entries.length; start += 256) {
    const slice = entries.slice(start, start + 256);
    const infos = await mapBounded(slice, statsInFlight, (entry) =>
      describe(options, prefix, entry),
    );
    for (const [i, entry] of slice.entries()) {
      if (entry.kind === "folder")
        yield* walk(options, `${prefix}${entry.name}/`);
      const info = infos[i];
      if (info) yield info;
    }
  }
}

/** Names of the folders right below `prefix`, in order. */
export async function listFolders(
  options: Walk,
  prefix: string,
): Promise<readonly string[]> {
  const entries = await readEntries(options, prefix);
  return entries
    .filter((entry) => entry.kind === "folder")
    .map((entry) => entry.name)
    .sort();
}

async function readEntries(
  { root, fs }: Walk,
  prefix: string,
): Promise<readonly Entry[]> {
  const folder = path.join(root, prefix);
  const found = await orNone(fs.readdir(folder, { withFileTypes: true }));
  const hasRecords = found.some((entry) => entry.name === recordsFolder);
  const records = new Set(
    hasRecords
      ? await orNone(fs.readdir(path.join(folder, recordsFolder)))
      : [],
  );
  const plain = found
    .filter(({ name }) => !name.startsWith(".") && !records.has(name))
    .map((entry): Entry => ({
      kind: entry.isDirectory() ? "folder" : "file",
      name: entry.name,
    }));
  const all = [
    ...plain,
    ...[...records].map((name): Entry => ({ kind: "record", name })),
  ];
  return all.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey(entry: Entry): string {
  return entry.kind === "folder" ? `${entry.name}/` : entry.name;
}

async function describe(
  { root, fs, records }: Walk,
  prefix: string,
  entry: Entry,
): Promise<ObjectInfo | null> {
  const objectPath = prefix + entry.name;
  if (entry.kind === "folder") return null;
  if (entry.kind === "record") return records.stat(objectPath);
  const found = await fs.look(path.join(root, objectPath));
  if (!found) return null;
  const { size, mtimeMs } = found;
  return { path: objectPath, sizeBytes: size, modifiedAtMs: mtimeMs };
}

async function orNone<T>(names: Promise<T[]>): Promise<T[]> {
  try {
    return await names;
  } catch (thrown) {
    if (isAbsence(thrown)) return [];
    throw thrown;
  }
}
