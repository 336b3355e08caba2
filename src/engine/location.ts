/**
 * Where the native engine lies on a machine, what belongs to it, and whether it is complete.
 *
 * An engine directory is made by `npm run engine` and holds TensorFlow's two libraries, the two addons built against
 * them, the headers for a rebuild, and a stamp that is written last. It can be moved and copied (a container image).
 * This file loads nothing native and computes nothing heavy: `doctor`, workers and the set-up script all ask here.
 *
 *   A  The directory's name says all that decides its content: versions, platform, variant, recipe. Another recipe is
 *      another directory, so an upgrade never touches the engine of a running process.
 *   B  No stamp, or one that disagrees with the disk or with this version, is no engine.
 *   C  No environment here: callers pass the cache root and the override.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  readStamp,
  stampName,
  type EnginePlatform,
  type EngineStamp,
  type EngineVariant,
} from "./stamp.ts";

export const TENSORFLOW_VERSION = "2.18.1";
export const TFJS_VERSION = "4.22.0";

/** Raised whenever the set-up would make other addons from the same sources. */
const RECIPE_VERSION = 1;

/** The source of our addon; it includes the headers beside it. */
export const sessionSource = fileURLToPath(
  new URL("../../native/session.cc", import.meta.url),
);
const sessionHeaders = [
  "copies.h",
  "graph_session.h",
  "helpers.h",
  "tensors.h",
  "values.h",
];

export const bindingName = "tfjs_binding.node";
export const sessionName = "session.node";
/** The folder keeps the layout of the wheels: TensorFlow finds CUDA's libraries by the relative paths it was linked with. */
export const libraryNames = [
  "tensorflow/libtensorflow_cc.so.2",
  "tensorflow/libtensorflow_framework.so.2",
] as const;
const requiredFiles = [bindingName, sessionName, ...libraryNames];

export type EngineStatus =
  | { readonly kind: "ready"; readonly stamp: EngineStamp }
  | { readonly kind: "missing"; readonly reasons: readonly string[] }
  | { readonly kind: "broken"; readonly reasons: readonly string[] };

/** `linux-x64` or `linux-arm64`; null where TensorFlow publishes no library that we can use. */
export function toEnginePlatform(
  platform: string,
  arch: string,
): EnginePlatform | null {
  if (platform !== "linux") return null;
  if (arch === "x64") return "linux-x64";
  return arch === "arm64" ? "linux-arm64" : null;
}

let recipe: string | undefined;

/** Twelve hexadecimal digits for the recipe and our addon's sources: changed sources are another engine (invariant A). */
export function engineRecipe(): string {
  recipe ??= hashRecipe();
  return recipe;
}

function hashRecipe(): string {
  const hash = createHash("sha256").update(`recipe ${RECIPE_VERSION}`);
  const folder = dirname(sessionSource);
  const headers = sessionHeaders.map((name) => join(folder, name));
  for (const path of [sessionSource, ...headers])
    hash.update(readFileSync(path));
  return hash.digest("hex").slice(0, 12);
}

/** The cache root by the XDG base directory specification: `XDG_CACHE_HOME`, else `~/.cache`. */
export function cacheRootOf(
  xdgCacheHome: string | undefined,
  home: string,
): string {
  // The specification: relative paths are invalid and must be ignored.
  return xdgCacheHome?.startsWith("/") ? xdgCacheHome : join(home, ".cache");
}

export type EngineDirectoryOptions = {
  /** See `cacheRootOf`. */
  readonly cacheRoot: string;
  readonly platform: EnginePlatform;
  readonly variant: EngineVariant;
};

/** Where the engine of this version, platform and variant belongs (invariant A). */
export function engineDirectory(options: EngineDirectoryOptions): string {
  const { cacheRoot, platform, variant } = options;
  const name = `tensorflow-${TENSORFLOW_VERSION}-tfjs-${TFJS_VERSION}-${platform}-${variant}-${engineRecipe()}`;
  return join(cacheRoot, "hueline", "engine", name);
}

export type FindEngineOptions = Omit<EngineDirectoryOptions, "variant"> & {
  /** `HUELINE_ENGINE`: a ready engine directory, as in a container image. It is taken as it is. */
  readonly override?: string | undefined;
};

export type FoundEngine = {
  readonly directory: string;
  readonly status: EngineStatus;
};

/** The engine to load: the override, else the CUDA engine where one is ready, else the CPU engine (ready or not). */
export function findEngine(options: FindEngineOptions): FoundEngine {
  if (options.override) return look(options.override);
  const cuda = look(engineDirectory({ ...options, variant: "cuda" }));
  if (cuda.status.kind === "ready") return cuda;
  return look(engineDirectory({ ...options, variant: "cpu" }));
}

function look(directory: string): FoundEngine {
  return { directory, status: checkEngine(directory) };
}

/** Whether `directory` holds a complete engine for this version: the stamp and the size of each file, no hashes. */
export function checkEngine(directory: string): EngineStatus {
  if (statSync(directory, { throwIfNoEntry: false }) === undefined)
    return { kind: "missing", reasons: ["there is no such folder"] };
  const stamp = readStamp(directory);
  if (stamp === null)
    return { kind: "broken", reasons: [`it has no valid ${stampName}`] };
  const reasons = [...otherVersions(stamp), ...wrongFiles(directory, stamp)];
  return reasons.length === 0
    ? { kind: "ready", stamp }
    : { kind: "broken", reasons };
}

function otherVersions(stamp: EngineStamp): string[] {
  const wanted = {
    tensorflow: TENSORFLOW_VERSION,
    tfjs: TFJS_VERSION,
    recipe: engineRecipe(),
  };
  const reasons: string[] = [];
  for (const part of ["tensorflow", "tfjs", "recipe"] as const)
    if (stamp[part] !== wanted[part])
      reasons.push(
        `it was built with ${part} ${stamp[part]}, this version needs ${wanted[part]}`,
      );
  return reasons;
}

function wrongFiles(directory: string, stamp: EngineStamp): string[] {
  const reasons: string[] = [];
  for (const name of requiredFiles)
    if (stamp.files[name] === undefined)
      reasons.push(`its stamp does not name ${name}`);
  for (const [name, { sizeBytes }] of Object.entries(stamp.files)) {
    const found = statSync(join(directory, name), { throwIfNoEntry: false });
    if (found === undefined) reasons.push(`${name} is missing`);
    else if (found.size !== sizeBytes)
      reasons.push(`${name} has ${found.size} bytes, expected ${sizeBytes}`);
  }
  return reasons;
}
