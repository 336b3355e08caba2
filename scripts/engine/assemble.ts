/**
 * Assembles an engine in a scratch folder: libraries (fetched, or taken from an engine that is there), two addons, the
 * stamp, and the proof that it computes. Where the folder goes afterwards is build.ts's business.
 */
import { createHash } from "node:crypto";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/errors.ts";
import {
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
import { checkFreeSpace } from "./place.ts";
import { toMegabytes, type Progress } from "./progress.ts";
import { reuseLibraries } from "./reuse.ts";
import { runTool, type ToolOptions } from "./tool.ts";
import type { Toolchain } from "./toolchain.ts";
import {
  listFiles,
  stripLibrary,
  UNPACK_VERSION,
  unpackWheel,
} from "./unpack.ts";
import { freeBytesNeeded, type Wheel } from "./wheels.ts";

export type AssembleOptions = ToolOptions & {
  readonly platform: EnginePlatform;
  readonly variant: EngineVariant;
  readonly wheels: readonly Wheel[];
  readonly tools: Toolchain;
  /** Download even if the libraries are there. */
  readonly force: boolean;
  readonly progress: Progress;
};

/** Makes `folder`, which must not exist, a proven engine. */
export async function assembleEngine(
  folder: string,
  options: AssembleOptions,
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
  const compile = { ...options, compiler: tools.compiler, folder };
  await progress.during(
    `compiling TensorFlow.js's addon with ${tools.compiler}`,
    compileBinding(compile),
  );
  await progress.during(
    `compiling the session addon with ${tools.compiler}`,
    compileSession(compile),
  );
  await progress.during(
    "hashing the result",
    writeStamp(folder, libraries, options),
  );
  await progress.during(
    "proving it: one gradient, one graph",
    proveEngine(folder, options),
  );
}

/** Names the set of libraries that these wheels give: what `reuseLibraries` compares. */
function librariesId(wheels: readonly Wheel[]): string {
  const hash = createHash("sha256").update(`unpack ${UNPACK_VERSION}`);
  for (const { sha256 } of wheels) hash.update(sha256);
  return hash.digest("hex").slice(0, 12);
}

async function fetchLibraries(
  folder: string,
  options: AssembleOptions,
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
    await progress.during(
      `${wheel.name} ${wheel.version}: SHA-256 verified, unpacking`,
      unpackWheel(file, wheel.name, {
        ...options,
        python: tools.python,
        folder,
      }),
    );
    await rm(downloads, { recursive: true });
  }
  if (tools.strip !== null)
    await progress.during(
      "stripping TensorFlow's library",
      stripLibrary(tools.strip, folder, options),
    );
}

async function writeStamp(
  folder: string,
  libraries: string,
  options: AssembleOptions,
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
  options: AssembleOptions,
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
