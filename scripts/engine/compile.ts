/**
 * Compiles the two addons against TensorFlow's library and the N-API headers: one compiler call each, no node-gyp.
 *
 * N-API is binary-stable, so an addon built with one Node runs in every later one. The addons find TensorFlow by
 * `$ORIGIN`, so the engine directory can be moved.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/errors.ts";
import {
  bindingName,
  libraryNames,
  sessionName,
  sessionSource,
} from "../../src/engine/location.ts";
import { runTool, type ToolOptions } from "./tool.ts";

const FLAGS = [
  "-std=c++17",
  "-O2",
  "-fPIC",
  "-shared",
  "-DNAPI_VERSION=8",
  "-DBUILDING_NODE_EXTENSION",
];

/** The folder of an installed npm package, given what resolves its package.json. */
function packageFolder(name: string, resolve: () => string): string {
  try {
    return dirname(fileURLToPath(resolve()));
  } catch (cause) {
    throw new UserError({
      code: "engine.package-missing",
      message: `The npm package ${name} is not installed; the native engine is built from it.`,
      hint: "npm ci",
      cause,
    });
  }
}

export type CompileOptions = ToolOptions & {
  readonly compiler: string;
  /** The engine directory in the making, with libraries and headers. */
  readonly folder: string;
};

/** Builds the addon of TensorFlow.js from the sources in its package. */
export async function compileBinding(options: CompileOptions): Promise<void> {
  const sources = join(
    packageFolder("@tensorflow/tfjs-node-gpu", () =>
      import.meta.resolve("@tensorflow/tfjs-node-gpu/package.json"),
    ),
    "binding",
  );
  await compile(
    ["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => join(sources, file)),
    bindingName,
    ["-w"], // Not our code: its warnings are nobody's business here.
    options,
  );
}

/** Builds our session addon. */
export async function compileSession(options: CompileOptions): Promise<void> {
  await compile(
    [sessionSource],
    sessionName,
    ["-Wall", "-Wextra", "-Werror=return-type"],
    options,
  );
}

async function compile(
  sources: readonly string[],
  name: string,
  warnings: readonly string[],
  { compiler, folder, ...options }: CompileOptions,
): Promise<void> {
  const headers = packageFolder("node-api-headers", () =>
    import.meta.resolve("node-api-headers/package.json"),
  );
  const result = await runTool(
    compiler,
    [
      FLAGS,
      warnings,
      ["-I", join(headers, "include")],
      ["-I", join(folder, "include")],
      sources,
      ["-o", join(folder, name)],
      libraryNames.map((library) => join(folder, library)),
      ["-Wl,-rpath,$ORIGIN/tensorflow"],
    ].flat(),
    options,
  );
  if (result?.status !== 0)
    throw new UserError({
      code: "engine.compile",
      message: `${compiler} could not build ${name}. It said:\n${result?.tail ?? "the compiler is gone"}`,
      hint: "A C++17 compiler is needed (g++ 9 or clang++ 10, or newer). With a full disk the same error appears.",
    });
}
