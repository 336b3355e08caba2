/**
 * Files that a command writes where a person said. What keeps them from being written is that person's to mend: a
 * `UserError` that names the place, never a stack. A file is seen whole or not at all.
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { systemCode, UserError } from "../base/errors.ts";

const reasons: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "the system refuses it",
  EROFS: "its file system is mounted read-only",
  ENOSPC: "no space is left on its disk",
  EDQUOT: "your disk quota is used up",
  EEXIST: "a file stands where a folder is needed",
  ENOTDIR: "a file stands where a folder is needed",
  EISDIR: "a folder stands where a file is needed",
  ENOENT: "no folder can be made there",
  ENAMETOOLONG: "the name is too long for its file system",
};

/** Writes a file, with the folders that it needs. */
export async function writeLocalFile(
  target: string,
  content: string | Uint8Array,
): Promise<void> {
  try {
    await makeFolder(path.dirname(target));
    const temporary = `${target}.part`;
    await writeFile(temporary, content);
    await rename(temporary, target);
  } catch (thrown) {
    throw toLocalError(thrown, target);
  }
}

/** Makes a folder, with those above it, unless it is there. */
export async function makeLocalFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (thrown) {
    throw toLocalError(thrown, folder);
  }
}

/** Step by step: in a place such as /proc, where nothing can be made, Node's `recursive` never returns. */
async function makeFolder(folder: string): Promise<void> {
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

/** A thrown value as an error of the person who named the place, if the system said why. */
function toLocalError(thrown: unknown, target: string): unknown {
  const code = systemCode(thrown);
  const reason = code === null ? undefined : reasons[code];
  if (code === null || reason === undefined) return thrown;
  return new UserError({
    code: "cli.not-written",
    message: `cannot write '${target}': ${reason} (${code})`,
    hint: "name another folder",
    cause: thrown,
  });
}
