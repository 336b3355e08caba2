/**
 * Files where a person said, outside of any store: folders are made, and what keeps a file from being written or read is
 * that person's to mend, told with the place. The store's own folder has its own rules (`fs/errors.ts`).
 */
import { mkdir } from "node:fs/promises";
import * as path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";

const reasons: Readonly<Record<string, string>> = {
  EACCES: "this user has no right to",
  EPERM: "the system refuses it",
  EROFS: "its file system is mounted read-only",
  ENOSPC: "no space is left on its disk",
  EDQUOT: "your disk quota is used up",
  EFBIG: "the file is larger than the file system or `ulimit -f` allows",
  EEXIST: "a file stands where a folder is needed",
  ENOTDIR: "a file stands where a folder is needed",
  EISDIR: "a folder stands where a file is needed",
  ENOENT: "it is not there, and cannot be made",
  ENAMETOOLONG: "the name is too long for its file system",
};

/** Step by step: in a place such as /proc, where nothing can be made, Node's `recursive` never returns. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || folder === path.dirname(folder)) throw thrown;
    await makeFolder(path.dirname(folder));
    await mkdir(folder).catch((again: unknown) => {
      if (systemCode(again) !== "EEXIST") throw again;
    });
  }
}

/** Runs `use` of a file; what the system refuses becomes `file.refused` (UserError). `action`: "write", "read". */
export async function onLocalFile<T>(
  action: string,
  file: string,
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use();
  } catch (thrown) {
    const code = systemCode(thrown);
    const reason = code === null ? undefined : reasons[code];
    if (code === null || reason === undefined) throw thrown;
    throw new UserError({
      code: "file.refused",
      message: `cannot ${action} '${file}': ${reason} (${code})`,
      hint: "mend that, or name another folder",
      cause: thrown,
    });
  }
}
