/**
 * Builds an engine: download, unpack, strip, compile, prove, and only then put in place.
 *
 *   A  Everything happens in a scratch folder beside the result. The result appears by one rename, after the stamp is
 *      written and the engine has computed a gradient: whatever kills the build, no later run trusts a half of it.
 *   B  If another process was first, its engine stands and ours is thrown away.
 *   C  A folder that is not an engine is never replaced.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  mkdir,
  readdir,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { systemCode, UserError } from "../../src/base/errors.ts";
import {
  checkEngine,
  engineRecipe,
  stampName,
  TENSORFLOW_VERSION,
  TFJS_VERSION,
  type EnginePlatform,
  type EngineStamp,
  type EngineVariant,
} from "../../src/engine/location.ts";
import { compileBinding, compileSession } from "./compile.ts";
import { downloadWheel } from "./download.ts";
import { scratchFolder, sweepScratch, takeLock } from "./lock.ts";
import { toMegabytes, type Progress } from "./progress.ts";
import { runTool } from "./tool.ts";
import { findToolchain, type Toolchain } from "./toolchain.ts";
import { listFiles, stripLibrary, unpackWheel } from "./unpack.ts";
import { freeBytesNeeded, wheelsOf, type Wheel } from "./wheels.ts";

export type BuildOptions = {
  /** Where the engine shall be. */
  readonly directory: string;
  readonly platform: EnginePlatform;
  readonly variant: EngineVariant;
  /** Build even if a ready engine is there. */
  readonly force: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  readonly signal: AbortSignal;
};

/** Makes `directory` a ready engine, alone or by waiting for the process that is at it. */
export async function buildEngine(options: BuildOptions): Promise<void> {
  const { directory, progress, signal } = options;
  const wheels = wheelsOf(options.platform, options.variant);
  if (wheels === null)
    throw new UserError({
      code: "engine.no-cuda",
      message: `TensorFlow ${TENSORFLOW_VERSION} is published with CUDA for linux-x64 only; this machine is ${options.platform}.`,
      hint: "Build the CPU engine: npm run engine",
    });
  await refuseForeignFolder(directory);
  const tools = await findToolchain(signal);
  const root = dirname(directory);
  await mkdir(root, { recursive: true });
  const lock = await takeLock(`${directory}.lock`, {
    signal,
    onWait: (pid) =>
      progress.live(`waiting for process ${pid}, which builds the engine`),
  });
  try {
    await sweepScratch(root);
    if (!options.force && checkEngine(directory).kind === "ready") return;
    await checkFreeSpace(root, options.variant);
    const scratch = scratchFolder(root, "build");
    try {
      await buildInto(scratch, { ...options, wheels, tools });
      await putInPlace(scratch, options);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  } finally {
    await lock.release();
  }
}

type ScratchOptions = BuildOptions & {
  readonly wheels: readonly Wheel[];
  readonly tools: Toolchain;
};

async function buildInto(
  folder: string,
  options: ScratchOptions,
): Promise<void> {
  const { progress, signal, tools } = options;
  await mkdir(folder);
  await fetchLibraries(folder, options);
  if (tools.strip !== null) {
    progress.live("stripping TensorFlow's library");
    await stripLibrary(tools.strip, folder, signal);
  }
  progress.line(`compiling two addons with ${tools.compiler}`);
  const compile = { compiler: tools.compiler, folder, signal };
  await compileBinding(compile);
  await compileSession(compile);
  progress.line("hashing the result");
  await writeStamp(folder, options);
  progress.line("proving it: one gradient, one graph");
  await proveEngine(folder, options);
}

async function fetchLibraries(
  folder: string,
  options: ScratchOptions,
): Promise<void> {
  const { wheels, progress, signal, tools } = options;
  const totalBytes = wheels.reduce((sum, wheel) => sum + wheel.sizeBytes, 0);
  progress.line(
    `downloading ${toMegabytes(totalBytes)} (${wheels.length === 1 ? wheels[0]?.name : `${wheels.length} packages`}), TensorFlow ${TENSORFLOW_VERSION}`,
  );
  for (const wheel of wheels) {
    const downloads = join(folder, "download");
    const file = await downloadWheel(wheel, {
      python: tools.python,
      platform: options.platform,
      folder: downloads,
      env: options.env,
      progress,
      signal,
    });
    progress.line(
      `${wheel.name} ${wheel.version}: SHA-256 verified, unpacking`,
    );
    const kind = wheel.name.startsWith("nvidia-") ? "nvidia" : "tensorflow";
    await unpackWheel(file, kind, { python: tools.python, folder, signal });
    await rm(downloads, { recursive: true });
  }
}

async function writeStamp(
  folder: string,
  options: BuildOptions,
): Promise<void> {
  const files: Record<string, { sizeBytes: number; sha256: string }> = {};
  for (const name of await listFiles(folder)) {
    const path = join(folder, name);
    files[name] = {
      sizeBytes: (await stat(path)).size,
      sha256: await hashFile(path),
    };
  }
  const stamp: EngineStamp = {
    format: 1,
    recipe: engineRecipe(),
    tensorflow: TENSORFLOW_VERSION,
    tfjs: TFJS_VERSION,
    variant: options.variant,
    platform: options.platform,
    files,
  };
  await writeFile(
    join(folder, stampName),
    `${JSON.stringify(stamp, null, 2)}\n`,
  );
}

/** SHA-256 of a file, in hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

/** Loads the engine in a child process and computes with it; `engine.proof` when that fails. */
export async function proveEngine(
  folder: string,
  { signal, env }: Pick<BuildOptions, "signal" | "env">,
): Promise<void> {
  const probe = fileURLToPath(new URL("probe.ts", import.meta.url));
  const result = await runTool(process.execPath, [probe, folder], {
    signal,
    env,
  });
  if (result?.status !== 0)
    throw new UserError({
      code: "engine.proof",
      message: `The engine in ${folder} was built but does not compute (exit ${result?.status ?? "none"}):\n${result?.tail ?? ""}`,
      hint: "TensorFlow's library needs glibc 2.17 and a processor with AVX. Please report the lines above.",
    });
}

async function checkFreeSpace(
  root: string,
  variant: EngineVariant,
): Promise<void> {
  const { bavail, bsize } = await statfs(root);
  const free = bavail * bsize;
  const needed = freeBytesNeeded[variant];
  if (free < needed)
    throw new UserError({
      code: "engine.disk-space",
      message: `Building the engine needs ${toMegabytes(needed)} in ${root}; ${toMegabytes(free)} are free.`,
      hint: "Free some space, or set XDG_CACHE_HOME to a folder on a larger disk.",
    });
}

/** Invariant C. */
async function refuseForeignFolder(directory: string): Promise<void> {
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
      hint: "Name another folder in HUELINE_ENGINE, or remove this one.",
    });
}

/** Invariants A and B: the rename is the commit. */
async function putInPlace(
  scratch: string,
  options: BuildOptions,
): Promise<void> {
  const { directory, force } = options;
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
