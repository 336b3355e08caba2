/**
 * Builds an engine under a lock, in a scratch folder, and puts it in place when it is proven.
 *
 *   A  Everything happens in a scratch folder beside the result. The result appears by one rename, after the stamp is
 *      written and the engine has computed a gradient: whatever kills the build, no later run trusts a half of it.
 *   B  If another process was first, its engine stands and ours is thrown away.
 *   C  A folder that a person named (HUELINE_ENGINE) is never replaced unless it is an engine.
 */
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode, UserError } from "../../src/base/errors.ts";
import { checkEngine, TENSORFLOW_VERSION } from "../../src/engine/location.ts";
import { assembleEngine, type AssembleOptions } from "./assemble.ts";
import { scratchFolder, sweepScratch, takeLock } from "./lock.ts";
import { putInPlace, refuseForeignFolder } from "./place.ts";
import { findToolchain } from "./toolchain.ts";
import { wheelsOf } from "./wheels.ts";

/** With `force` an engine is built even if a ready one is there. */
export type BuildOptions = Omit<AssembleOptions, "wheels" | "tools"> & {
  /** Where the engine shall be. */
  readonly directory: string;
  /** Whether the directory's name is ours, in the cache; else a person chose it, and invariant C is checked. */
  readonly isOwnPlace: boolean;
};

/** Makes `directory` a ready engine, alone or by waiting for the process that is at it. */
export async function buildEngine(options: BuildOptions): Promise<void> {
  const wheels = wheelsOf(options.platform, options.variant);
  if (wheels === null)
    throw new UserError({
      code: "engine.no-cuda",
      message: `TensorFlow ${TENSORFLOW_VERSION} is published with CUDA for linux-x64 only; this machine is ${options.platform}.`,
      hint: "Build the CPU engine: npm run engine",
    });
  try {
    if (!options.isOwnPlace) await refuseForeignFolder(options.directory); // C
    const tools = await findToolchain(options);
    await buildLocked({ ...options, wheels, tools });
  } catch (thrown) {
    throw toDiskError(thrown, options.directory) ?? thrown;
  }
}

async function buildLocked(
  options: BuildOptions & AssembleOptions,
): Promise<void> {
  const { directory, force, progress, signal } = options;
  const root = dirname(directory);
  await mkdir(root, { recursive: true });
  const lock = await takeLock(`${directory}.lock`, {
    signal,
    onWait: (pid) =>
      progress.live(`waiting for process ${pid}, which builds the engine`),
  });
  try {
    await sweepScratch(root);
    if (!force && checkEngine(directory).kind === "ready") return;
    const scratch = scratchFolder(root, "build");
    try {
      await assembleEngine(scratch, options);
      await putInPlace(scratch, directory, force); // invariants A and B
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  } finally {
    await lock.release();
  }
}

const DISK_ERRORS: Readonly<Record<string, string>> = {
  EEXIST: "a file is in the way",
  ENOTDIR: "a file is in the way",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "it may not be written to",
  EPERM: "it may not be written to",
};

/** A failed write as the user's error, or null for anything else. */
function toDiskError(thrown: unknown, directory: string): UserError | null {
  const what = DISK_ERRORS[systemCode(thrown) ?? ""];
  if (what === undefined) return null;
  return new UserError({
    code: "engine.disk",
    message: `The engine could not be written to ${dirname(directory)}: ${what}.`,
    hint: "Mend that, or set XDG_CACHE_HOME to a folder on another disk; nothing was left behind.",
    cause: thrown,
  });
}
