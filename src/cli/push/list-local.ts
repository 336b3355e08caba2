/**
 * The files of a local dataset and the names that they get in a bucket. Nothing is skipped silently: what is not taken
 * is counted by reason.
 */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";
import { isObjectPath } from "../../store/path.ts";
import { onLocalFile } from "../../store/transfer/local-files.ts";

export type LocalFile = {
  /** Absolute. */
  readonly file: string;
  /** Below the destination. */
  readonly name: string;
  readonly sizeBytes: number;
};

export type LocalFiles = {
  readonly files: readonly LocalFile[];
  readonly leftOut: ReadonlyMap<string, number>;
};

/**
 * A folder gives what is in it, under its own name if there are several; a file gives itself. Throws `push.missing` and
 * `push.same-name` (UserError), `file.refused` for what may not be read.
 */
export async function listLocal(
  sources: readonly string[],
): Promise<LocalFiles> {
  const files: LocalFile[] = [];
  const leftOut = new Map<string, number>();
  const leave = (reason: string): void => {
    leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
  };
  const take = async (file: string, name: string): Promise<void> => {
    if (!isObjectPath(name)) leave("a name that no object can have");
    else
      files.push({
        file,
        name,
        sizeBytes: (await onLocalFile("read", file, () => stat(file))).size,
      });
  };
  const walk = async (folder: string, prefix: string): Promise<void> => {
    const entries = await onLocalFile("read", folder, () =>
      readdir(folder, { withFileTypes: true }),
    );
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const file = path.join(folder, entry.name);
      const name = prefix + entry.name;
      if (entry.name.startsWith(".")) leave("a name that starts with a dot");
      else if (entry.isDirectory()) await walk(file, `${name}/`);
      else if (entry.isFile()) await take(file, name);
      else if (entry.isSymbolicLink()) leave("symbolic link");
      else leave("neither a file nor a folder");
    }
  };
  for (const source of sources) {
    const isFolder = await isFolderAt(source);
    const base = path.basename(source);
    if (!isFolder) await take(source, base);
    else await walk(source, sources.length === 1 ? "" : `${base}/`);
  }
  checkDistinct(files);
  return { files, leftOut };
}

async function isFolderAt(source: string): Promise<boolean> {
  try {
    return (await stat(source)).isDirectory();
  } catch (thrown) {
    if (systemCode(thrown) === null) throw thrown;
    throw new UserError({
      code: "push.missing",
      message: `expected a folder or a file at '${source}', found none (${systemCode(thrown) ?? ""})`,
      hint: "hueline data push FOLDER s3://bucket/prefix",
      cause: thrown,
    });
  }
}

function checkDistinct(files: readonly LocalFile[]): void {
  const seen = new Map<string, string>();
  for (const { name, file } of files) {
    const other = seen.get(name);
    if (other !== undefined)
      throw new UserError({
        code: "push.same-name",
        message: `'${other}' and '${file}' would both become '${name}'`,
        hint: "push them one after the other, to places of their own",
      });
    seen.set(name, file);
  }
}
