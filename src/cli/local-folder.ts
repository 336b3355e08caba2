/**
 * Files that a command writes where a person said: each is seen whole or not at all. What keeps it from being written is
 * told as `file.refused` (UserError).
 */
import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeFolder, onLocalFile } from "../store/transfer/local-files.ts";

/** Writes a file, with the folders that it needs. */
export async function writeLocalFile(
  target: string,
  content: string | Uint8Array,
): Promise<void> {
  await onLocalFile("write", target, async () => {
    await makeFolder(path.dirname(target));
    const temporary = `${target}.part`;
    await writeFile(temporary, content);
    await rename(temporary, target);
  });
}

/** Makes a folder, with those above it, unless it is there. */
export async function makeLocalFolder(folder: string): Promise<void> {
  await onLocalFile("make", folder, () => makeFolder(folder));
}
