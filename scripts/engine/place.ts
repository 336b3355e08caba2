/**
 * The place of an engine: is there room, may it be replaced, and the one rename that puts it there.
 */
import { readdir, rename, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode, UserError } from "../../src/base/errors.ts";
import { checkEngine } from "../../src/engine/location.ts";
import { stampName } from "../../src/engine/stamp.ts";
import { scratchFolder } from "./lock.ts";
import { toMegabytes } from "./progress.ts";

/** Throws `engine.disk-space` unless `neededBytes` are free where `folder` lies. */
export async function checkFreeSpace(
  folder: string,
  neededBytes: number,
): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes < neededBytes)
    throw new UserError({
      code: "engine.disk-space",
      message: `Building the engine needs ${toMegabytes(neededBytes)} in ${folder}; ${toMegabytes(freeBytes)} are free.`,
      hint: "Free some space, or set XDG_CACHE_HOME to a folder on a larger disk.",
    });
}

/** Throws `engine.foreign-folder` if `directory` holds something that is not an engine: it may be anybody's. */
export async function refuseForeignFolder(directory: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return;
    throw thrown;
  }
  if (names.length > 0 && !names.includes(stampName))
    throw new UserError({
      code: "engine.foreign-folder",
      message: `${directory} is not empty and is not an engine (it has no ${stampName}); it will not be replaced.`,
      hint: "Remove it, or name another folder in HUELINE_ENGINE.",
    });
}

/**
 * Renames the finished engine `scratch` to `directory`. An engine that is there stays if it is ready, unless `force`;
 * processes that have its libraries open keep them in any case.
 */
export async function putInPlace(
  scratch: string,
  directory: string,
  force: boolean,
): Promise<void> {
  const old = scratchFolder(dirname(directory), "old");
  if (force || checkEngine(directory).kind === "broken")
    await renameIfThere(directory, old);
  try {
    await rename(scratch, directory);
  } catch (thrown) {
    const code = systemCode(thrown);
    const isTaken = code === "ENOTEMPTY" || code === "EEXIST";
    if (!isTaken || checkEngine(directory).kind !== "ready") throw thrown;
  } finally {
    await rm(old, { recursive: true, force: true });
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") throw thrown;
  }
}
