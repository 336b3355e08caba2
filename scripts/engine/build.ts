/**
 * Builds an engine: fetch or reuse the libraries, compile, stamp, prove, and only then put in place.
 *
 *   A  Everything happens in a scratch folder beside the result. The result appears by one rename, after the stamp is
 *      written and the engine has computed a gradient: whatever kills the build, no later run trusts a half of it.
 *   B  If another process was first, its engine stands and ours is thrown away.
 *   C  A folder that is not an engine is never replaced.
 */
import { createHash } from "node:crypto";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemCode, UserError } from "../../src/base/errors.ts";
import {
  checkEngine,
  engineRecipe,
  TENSORFLOW_VERSION,
  TFJS_VERSION,
} from "../../src/engine/location.ts";
import {
  stampName,
  type EngineFile,
  type EnginePlatform,
  type EngineStamp,
  type EngineVariant,
} from "../../src/engine/stamp.ts";
import { compileBinding, compileSession } from "./compile.ts";
import { downloadWheel } from "./download.ts";
import { hashFile } from "./hash.ts";
import { scratchFolder, sweepScratch, takeLock } from "./lock.ts";
import { checkFreeSpace, putInPlace, refuseForeignFolder } from "./place.ts";
import { toMegabytes, type Progress } from "./progress.ts";
import { reuseLibraries } from "./reuse.ts";
import { runTool } from "./tool.ts";
import { findToolchain, type Toolchain } from "./toolchain.ts";
import {
  listFiles,
  stripLibrary,
  UNPACK_VERSION,
  unpackWheel,
} from "./unpack.ts";
import { freeBytesNeeded, wheelsOf, type Wheel } from "./wheels.ts";

export type BuildOptions = {
  /** Where the engine shall be. */
  readonly directory: string;
  readonly platform: EnginePlatform;
  readonly variant: EngineVariant;
  /** Build, and download, even if a ready engine is there. */
  readonly force: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  readonly signal: AbortSignal;
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
    await refuseForeignFolder(options.directory); // invariant C
    const tools = await findToolchain(options);
    await buildLocked({ ...options, wheels, tools });
  } catch (thrown) {
    throw toDiskError(thrown, options.directory) ?? thrown;
  }
}

type LockedOptions = BuildOptions & {
  readonly wheels: readonly Wheel[];
  readonly tools: Toolchain;
};

async function buildLocked(options: LockedOptions): Promise<void> {
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
      await buildInto(scratch, options);
      await putInPlace(scratch, directory, force); // invariants A and B
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  } finally {
    await lock.release();
  }
}

async function buildInto(
  folder: string,
  options: LockedOptions,
): Promise<void> {
  const { progress, tools } = options;
  const root = dirname(folder);
  const libraries = librariesId(options.wheels);
  await mkdir(folder);
  if (!options.force && (await reuseLibraries(root, folder, libraries))) {
    progress.line("TensorFlow's libraries are here already, hashes verified");
  } else {
    await checkFreeSpace(root, freeBytesNeeded[options.variant]);
    await fetchLibraries(folder, options);
  }
  progress.line(`compiling two addons with ${tools.compiler}`);
  await compileBinding({ ...options, compiler: tools.compiler, folder });
  await compileSession({ ...options, compiler: tools.compiler, folder });
  progress.line("hashing the result");
  await writeStamp(folder, libraries, options);
  progress.line("proving it: one gradient, one graph");
  await proveEngine(folder, options);
}

/** Names the set of libraries that these wheels give: what `reuseLibraries` compares. */
function librariesId(wheels: readonly Wheel[]): string {
  const hash = createHash("sha256").update(`unpack ${UNPACK_VERSION}`);
  for (const { sha256 } of wheels) hash.update(sha256);
  return hash.digest("hex").slice(0, 12);
}

async function fetchLibraries(
  folder: string,
  options: LockedOptions,
): Promise<void> {
  const { wheels, progress, tools } = options;
  const totalBytes = wheels.reduce((sum, wheel) => sum + wheel.sizeBytes, 0);
  progress.line(
    `downloading ${toMegabytes(totalBytes)}: TensorFlow ${TENSORFLOW_VERSION}${wheels.length > 1 ? " and CUDA" : ""}`,
  );
  for (const wheel of wheels) {
    const downloads = join(folder, "download");
    const file = await downloadWheel(wheel, {
      ...options,
      python: tools.python,
      folder: downloads,
    });
    progress.line(
      `${wheel.name} ${wheel.version}: SHA-256 verified, unpacking`,
    );
    await unpackWheel(file, wheel.name, {
      ...options,
      python: tools.python,
      folder,
    });
    await rm(downloads, { recursive: true });
  }
  if (tools.strip !== null) {
    progress.live("stripping TensorFlow's library");
    await stripLibrary(tools.strip, folder, options);
  }
}

async function writeStamp(
  folder: string,
  libraries: string,
  options: BuildOptions,
): Promise<void> {
  const files: Record<string, EngineFile> = {};
  for (const name of await listFiles(folder)) {
    const path = join(folder, name);
    const { size: sizeBytes } = await stat(path);
    files[name] = { sizeBytes, sha256: await hashFile(path) };
  }
  const stamp: EngineStamp = {
    format: 1,
    recipe: engineRecipe(),
    tensorflow: TENSORFLOW_VERSION,
    tfjs: TFJS_VERSION,
    variant: options.variant,
    platform: options.platform,
    libraries,
    files,
  };
  const text = `${JSON.stringify(stamp, null, 2)}\n`;
  await writeFile(join(folder, stampName), text);
}

/** Loads the engine in a child process, with the Node that runs this, and computes with it. */
async function proveEngine(
  folder: string,
  options: BuildOptions,
): Promise<void> {
  const probe = fileURLToPath(new URL("probe.ts", import.meta.url));
  const result = await runTool(process.execPath, [probe, folder], options);
  if (result?.status !== 0)
    throw new UserError({
      code: "engine.proof",
      message: `The engine was built but does not compute (exit ${result?.status ?? "none"}). It said:\n${result?.tail ?? ""}`,
      hint: "TensorFlow's library needs glibc 2.17 and a processor with AVX; if this machine has both, please report the lines above.",
    });
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
