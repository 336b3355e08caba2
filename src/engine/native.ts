/**
 * Loads the native engine into this process: TensorFlow's library, TensorFlow.js on top of it, our session addon.
 *
 * The packages' own start (`require("@tensorflow/tfjs-node-gpu")`) looks for its addon through node-pre-gyp, and loads
 * layers, converter, data and two browser backends that nothing here uses. This file loads the same backend and kernels
 * with our addon instead, and leaves those five packages out: half the JavaScript start time of each worker.
 *
 *   A  TensorFlow reads its settings from environment variables while the library loads, and offers no other way for
 *      most of them. So this file, besides `main.ts`, writes `process.env`: `TF_*` only, and before the library is opened.
 *      Proxy variables are removed, because gRPC between workers would send its traffic there and hang.
 *   B  One engine per process: a repeat with the same settings returns the same handle, with others it is an error.
 *   C  One tfjs-core per process: what `import * as tf from "@tensorflow/tfjs-core"` gives is what the kernels use.
 *   D  No fallback. An engine that is missing or broken is one `UserError` that names the remedy.
 */
import Module, { createRequire } from "node:module";
import { join } from "node:path";
import util from "node:util";
import { isMainThread } from "node:worker_threads";
import type * as tfjs from "@tensorflow/tfjs-core";
import type { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js";
import type { TFJSBinding } from "@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js";
import { UserError } from "../base/errors.ts";
import {
  bindingName,
  checkEngine,
  sessionName,
  TENSORFLOW_VERSION,
  TFJS_VERSION,
} from "./location.ts";
import type { EngineStamp, EngineVariant } from "./stamp.ts";
import type { SessionAddon } from "./session-addon.ts";

export type EngineOptions = {
  /** A ready engine directory, see `findEngine`. */
  readonly directory: string;
  /** Threads that one operation may use, and that compute in parallel; at least 1. */
  readonly threads: number;
  /** Operations that may run side by side; as many as `threads` where absent. */
  readonly interOpThreads?: number;
  /** Bit-equal results from run to run; slower on a GPU. */
  readonly deterministic?: boolean;
  /** TensorFlow's own log on stderr: 0 everything, 1 warnings (where absent), 2 errors, 3 nothing. */
  readonly logLevel?: 0 | 1 | 2 | 3;
};

export type Engine = {
  readonly tf: typeof tfjs;
  readonly backend: NodeJSKernelBackend;
  readonly session: SessionAddon;
  readonly info: {
    readonly tensorflow: string;
    readonly tfjs: string;
    readonly variant: EngineVariant;
    /** Whether TensorFlow found a GPU that it can use. */
    readonly gpu: boolean;
    readonly threads: number;
  };
};

let loaded: { readonly settings: string; readonly engine: Engine } | undefined;

/** Loads the engine; `engine.missing` or `engine.broken` when it cannot be. */
export function loadEngine(options: EngineOptions): Engine {
  const settings = JSON.stringify(toSettings(options));
  if (loaded === undefined) loaded = { settings, engine: openEngine(options) };
  else if (loaded.settings !== settings)
    throw new Error(
      `the engine is loaded already, with ${loaded.settings}; a process cannot change to ${settings}`,
    );
  return loaded.engine;
}

/** Every setting with its default, in a fixed order (invariant B). */
function toSettings(options: EngineOptions): Required<EngineOptions> {
  const settings = {
    directory: options.directory,
    threads: options.threads,
    interOpThreads: options.interOpThreads ?? options.threads,
    deterministic: options.deterministic ?? false,
    logLevel: options.logLevel ?? 1,
  };
  for (const key of ["threads", "interOpThreads"] as const)
    if (!Number.isInteger(settings[key]) || settings[key] < 1)
      throw new RangeError(
        `${key}: expected a whole number from 1, found ${settings[key]}`,
      );
  return settings;
}

function openEngine(options: EngineOptions): Engine {
  if (!isMainThread)
    throw new Error(
      "the engine loads in a process's main thread only: a thread's environment variables do not reach TensorFlow",
    );
  const stamp = readyStamp(options.directory);
  writeEnvironment(toSettings(options));
  const session = openAddon(options.directory, sessionName) as SessionAddon;
  const binding = openAddon(options.directory, bindingName) as TFJSBinding;
  if (session.version() !== TENSORFLOW_VERSION)
    throw brokenEngine(options.directory, [
      `its library is TensorFlow ${session.version()}, this version needs ${TENSORFLOW_VERSION}`,
    ]);
  const { tf, backend } = startBackend(binding);
  return {
    tf,
    backend,
    session,
    info: {
      tensorflow: session.version(),
      tfjs: tf.version_core,
      variant: stamp.variant,
      gpu: backend.isUsingGpuDevice,
      threads: options.threads,
    },
  };
}

function readyStamp(directory: string): EngineStamp {
  const status = checkEngine(directory);
  if (status.kind === "ready") return status.stamp;
  if (status.kind === "broken") throw brokenEngine(directory, status.reasons);
  throw new UserError({
    code: "engine.missing",
    message: `The native engine (TensorFlow ${TENSORFLOW_VERSION}) is not installed: expected it in ${directory}`,
    hint: withOverride("npm run engine"),
  });
}

/** The set-up does not touch a directory that somebody else prepared. */
function withOverride(command: string): string {
  return `${command}; if HUELINE_ENGINE names that folder, unset it, or name one that is whole`;
}

function brokenEngine(
  directory: string,
  reasons: readonly string[],
  cause?: unknown,
): UserError {
  return new UserError({
    code: "engine.broken",
    message: `The native engine in ${directory} cannot be used: ${reasons.join("; ")}`,
    hint: withOverride("npm run engine -- --force"),
    cause,
  });
}

/** Invariant A. The values that matter, and why, are in docs/design.md and in TensorFlow's own documentation. */
function writeEnvironment(settings: Required<EngineOptions>): void {
  const variables: Readonly<Record<string, string>> = {
    // Off by default on some processors, where it costs a factor of two.
    TF_ENABLE_ONEDNN_OPTS: "1",
    TF_NUM_INTRAOP_THREADS: String(settings.threads),
    TF_NUM_INTEROP_THREADS: String(settings.interOpThreads),
    // oneDNN's own allocator keeps what it has ever had, in pieces that no later step fits into: 6 % more for AlexNet.
    TF_ONEDNN_USE_SYSTEM_ALLOCATOR: "1",
    // Or the first process takes all memory of a GPU that others share.
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
    TF_DETERMINISTIC_OPS: settings.deterministic ? "1" : "0",
    TF_CPP_MIN_LOG_LEVEL: String(settings.logLevel),
  };
  Object.assign(process.env, variables);
  for (const name of ["grpc_proxy", "http_proxy", "https_proxy", "all_proxy"]) {
    delete process.env[name];
    delete process.env[name.toUpperCase()];
  }
}

const nodeRequire = createRequire(import.meta.url);

function openAddon(directory: string, name: string): unknown {
  const path = join(directory, name);
  try {
    return nodeRequire(path);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw brokenEngine(directory, [`${name} does not load: ${said}`], cause);
  }
}

/** Packages that `@tensorflow/tfjs` requires and that no kernel touches. */
const UNUSED_PACKAGES = [
  "@tensorflow/tfjs-layers",
  "@tensorflow/tfjs-converter",
  "@tensorflow/tfjs-data",
  "@tensorflow/tfjs-backend-cpu",
  "@tensorflow/tfjs-backend-webgl",
];

/** Registers gradients, kernels and the backend "tensorflow", as the package's own start does, and selects it. */
function startBackend(binding: TFJSBinding): Pick<Engine, "tf" | "backend"> {
  replaceRemovedUtil();
  const packagePath = nodeRequire.resolve(
    "@tensorflow/tfjs-node-gpu/package.json",
  );
  const packageRequire = createRequire(packagePath);
  const tf = nodeRequire("@tensorflow/tfjs-core") as Engine["tf"];
  if (packageRequire("@tensorflow/tfjs-core") !== tf)
    throw new Error(
      "two copies of @tensorflow/tfjs-core are installed; run `npm ci`",
    );
  const installed: string = tf.version_core; // its type is a literal, which says what was compiled against
  if (installed !== TFJS_VERSION)
    throw new Error(
      `@tensorflow/tfjs-core is ${installed}, expected ${TFJS_VERSION}; run \`npm ci\``,
    );
  withoutPackages(packageRequire, UNUSED_PACKAGES, () => {
    packageRequire("@tensorflow/tfjs"); // gradients and chained operations
    packageRequire("./dist/register_all_kernels.js");
  });
  const { NodeJSKernelBackend: Backend } = packageRequire(
    "./dist/nodejs_kernel_backend.js",
  ) as { NodeJSKernelBackend: typeof NodeJSKernelBackend };
  const backend = new Backend(binding, "@tensorflow/tfjs-node-gpu");
  tf.registerBackend("tensorflow", () => backend, 3);
  // Synchronous, because the factory is: the promise only says so.
  void tf.setBackend("tensorflow");
  if (tf.getBackend() !== "tensorflow")
    throw new Error("TensorFlow.js did not take the native backend");
  return { tf, backend };
}

/** Runs `load` while `packages` appear as empty modules, so that their hundreds of files are not read. */
function withoutPackages(
  packageRequire: NodeJS.Require,
  packages: readonly string[],
  load: () => void,
): void {
  const paths = packages
    .map((name) => packageRequire.resolve(name))
    .filter((path) => packageRequire.cache[path] === undefined);
  for (const path of paths) packageRequire.cache[path] = emptyModule(path);
  try {
    load();
  } finally {
    for (const path of paths) delete packageRequire.cache[path];
  }
}

function emptyModule(path: string): NodeJS.Module {
  return Object.assign(new Module(path), { filename: path, loaded: true });
}

/** The backend's code calls two functions of `node:util` that Node 22 warns about and Node 23 removed. */
function replaceRemovedUtil(): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) =>
      value === null || value === undefined,
    isArray: Array.isArray,
  });
}
