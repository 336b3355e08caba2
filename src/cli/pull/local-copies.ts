/**
 * What a destination folder has already, and the list by which `sha256sum -c` verifies it. Files are read in pieces:
 * they may be larger than memory.
 */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { systemCode } from "../../base/errors.ts";
import { hashFile } from "../../base/hash-file.ts";
import { writeLocalFile } from "../local-folder.ts";
import type { WantedFile } from "./select-files.ts";

const LIST = "SHA256SUMS";

/** Whether the folder has a file with the size and SHA-256 that its manifest says. */
export async function hasCopy(
  folder: string,
  {
    name,
    sizeBytes,
    sha256,
  }: Pick<WantedFile, "name" | "sizeBytes" | "sha256">,
): Promise<boolean> {
  const file = path.join(folder, name);
  try {
    const found = await stat(file);
    if (!found.isFile() || found.size !== sizeBytes) return false;
    return (await hashFile(file)).sha256 === sha256;
  } catch (thrown) {
    // Whatever else stands there, writing will say it.
    if (systemCode(thrown) !== null) return false;
    throw thrown;
  }
}

/** Adds the files to the folder's `SHA256SUMS`. What other pulls have brought and is still there keeps its line. */
export async function writeSums(
  folder: string,
  files: readonly Pick<WantedFile, "name" | "sha256">[],
): Promise<void> {
  const lines = new Map(files.map(({ name, sha256 }) => [name, sha256]));
  for (const [name, sha256] of await readSums(folder))
    if (!lines.has(name) && (await isFile(path.join(folder, name))))
      lines.set(name, sha256);
  const sorted = [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
  await writeLocalFile(
    path.join(folder, LIST),
    sorted.map(([name, sha256]) => `${sha256}  ${name}\n`).join(""),
  );
}

async function readSums(folder: string): Promise<[string, string][]> {
  let text: string;
  try {
    text = await readFile(path.join(folder, LIST), "utf8");
  } catch (thrown) {
    if (systemCode(thrown) !== null) return [];
    throw thrown;
  }
  return text.split("\n").flatMap((line): [string, string][] => {
    const [, sha256, name] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    return sha256 === undefined || name === undefined ? [] : [[name, sha256]];
  });
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (thrown) {
    if (systemCode(thrown) !== null) return false;
    throw thrown;
  }
}
