import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  bindingName,
  cacheRootOf,
  checkEngine,
  engineDirectory,
  engineRecipe,
  findEngine,
  libraryNames,
  sessionName,
  TENSORFLOW_VERSION,
  TFJS_VERSION,
  toEnginePlatform,
} from "../../src/engine/location.ts";
import {
  readStamp,
  stampName,
  type EngineStamp,
} from "../../src/engine/stamp.ts";

const names = [bindingName, sessionName, ...libraryNames];
const goodStamp: EngineStamp = {
  format: 1,
  recipe: engineRecipe(),
  tensorflow: TENSORFLOW_VERSION,
  tfjs: TFJS_VERSION,
  variant: "cpu",
  platform: "linux-x64",
  libraries: "0123456789ab",
  files: Object.fromEntries(
    names.map((name) => [name, { sizeBytes: 4, sha256: "00" }]),
  ),
};

const missing = { kind: "missing", reasons: ["there is no such folder"] };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hueline-location-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** An engine folder with four files of four bytes, and `stamp` as its stamp. */
function writeEngine(directory: string, stamp: unknown = goodStamp): string {
  for (const name of names) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), "four");
  }
  writeFileSync(join(directory, stampName), JSON.stringify(stamp));
  return directory;
}

describe("where an engine belongs", () => {
  test("the cache root is XDG_CACHE_HOME if it is absolute, else ~/.cache", () => {
    expect(cacheRootOf("/var/cache/me", "/home/me")).toBe("/var/cache/me");
    expect(cacheRootOf(undefined, "/home/me")).toBe("/home/me/.cache");
    expect(cacheRootOf("", "/home/me")).toBe("/home/me/.cache");
    expect(cacheRootOf("relative", "/home/me")).toBe("/home/me/.cache");
  });

  test("the folder's name tells versions, platform, variant and recipe, so that none is mistaken for another", () => {
    const of = (
      platform: "linux-x64" | "linux-arm64",
      variant: "cpu" | "cuda",
    ) => engineDirectory({ cacheRoot: "/c", platform, variant });
    expect(of("linux-x64", "cpu")).toBe(
      `/c/hueline/engine/tensorflow-2.18.1-tfjs-4.22.0-linux-x64-cpu-${engineRecipe()}`,
    );
    const all = [
      of("linux-x64", "cpu"),
      of("linux-x64", "cuda"),
      of("linux-arm64", "cpu"),
    ];
    expect(new Set(all).size).toBe(3);
    expect(engineRecipe()).toMatch(/^[0-9a-f]{12}$/);
  });

  test.each([
    ["linux", "x64", "linux-x64"],
    ["linux", "arm64", "linux-arm64"],
    ["linux", "s390x", null],
    ["darwin", "arm64", null],
    ["win32", "x64", null],
  ])("%s on %s is %s", (platform, arch, want) => {
    expect(toEnginePlatform(platform, arch)).toBe(want);
  });
});

describe("which engine is loaded", () => {
  const options = () => ({ cacheRoot: root, platform: "linux-x64" as const });
  const directoryOf = (variant: "cpu" | "cuda") =>
    engineDirectory({ ...options(), variant });

  test("with nothing there, the CPU engine is named as missing", () => {
    expect(findEngine(options())).toEqual({
      directory: directoryOf("cpu"),
      status: missing,
    });
  });

  test("a ready CUDA engine goes before a ready CPU engine, a broken one does not", () => {
    writeEngine(directoryOf("cpu"));
    const cuda = writeEngine(directoryOf("cuda"), {
      ...goodStamp,
      variant: "cuda",
    });
    expect(findEngine(options()).directory).toBe(cuda);
    truncateSync(join(cuda, sessionName), 1);
    const found = findEngine(options());
    expect(found.directory).toBe(directoryOf("cpu"));
    expect(found.status.kind).toBe("ready");
  });

  test("an override is taken as it is, ready or not", () => {
    writeEngine(directoryOf("cpu"));
    const override = join(root, "image");
    expect(findEngine({ ...options(), override })).toEqual({
      directory: override,
      status: missing,
    });
    writeEngine(override);
    expect(findEngine({ ...options(), override }).status.kind).toBe("ready");
  });
});

describe("whether an engine is complete", () => {
  const reasonsOf = (directory: string) => {
    const status = checkEngine(directory);
    return status.kind === "broken" ? status.reasons : status.kind;
  };

  test("all files in their sizes and a stamp of this version make it ready", () => {
    const directory = writeEngine(join(root, "e"));
    expect(checkEngine(directory)).toEqual({ kind: "ready", stamp: goodStamp });
  });

  test("a folder that is not there is missing", () => {
    expect(reasonsOf(join(root, "nowhere"))).toBe("missing");
  });

  test("a file in the folder's place has no stamp", () => {
    writeFileSync(join(root, "file"), "");
    expect(reasonsOf(join(root, "file"))).toEqual([
      `it has no valid ${stampName}`,
    ]);
  });

  test("a half-built folder, without its stamp, is broken", () => {
    const directory = writeEngine(join(root, "e"));
    rmSync(join(directory, stampName));
    expect(reasonsOf(directory)).toEqual([`it has no valid ${stampName}`]);
  });

  test("a truncated library and a missing addon are both named", () => {
    const directory = writeEngine(join(root, "e"));
    truncateSync(join(directory, libraryNames[0]), 3);
    rmSync(join(directory, bindingName));
    expect(reasonsOf(directory)).toEqual([
      `${bindingName} is missing`,
      `${libraryNames[0]} has 3 bytes, expected 4`,
    ]);
  });

  test("an engine of another recipe or another TensorFlow is not this version's", () => {
    const directory = writeEngine(join(root, "e"), {
      ...goodStamp,
      recipe: "ffffffffffff",
      tensorflow: "2.9.1",
    });
    expect(reasonsOf(directory)).toEqual([
      "it was built with tensorflow 2.9.1, this version needs 2.18.1",
      `it was built with recipe ffffffffffff, this version needs ${engineRecipe()}`,
    ]);
  });

  test("a stamp that forgets a library cannot make an engine ready", () => {
    const { [libraryNames[1]]: forgotten, ...files } = goodStamp.files;
    expect(forgotten).toBeDefined();
    const directory = writeEngine(join(root, "e"), { ...goodStamp, files });
    expect(reasonsOf(directory)).toEqual([
      `its stamp does not name ${libraryNames[1]}`,
    ]);
  });

  test.each([
    ["no JSON", "{"],
    ["another format", JSON.stringify({ ...goodStamp, format: 2 })],
    ["an array", "[]"],
    ["an unknown variant", JSON.stringify({ ...goodStamp, variant: "tpu" })],
    [
      "a file without a size",
      JSON.stringify({ ...goodStamp, files: { a: {} } }),
    ],
    [
      "a path that leads out of the folder",
      JSON.stringify({
        ...goodStamp,
        files: { "../x": { sizeBytes: 1, sha256: "" } },
      }),
    ],
    [
      "an absolute path",
      JSON.stringify({
        ...goodStamp,
        files: { "/etc/passwd": { sizeBytes: 1, sha256: "" } },
      }),
    ],
  ])("a stamp with %s is no stamp", (_, text) => {
    const directory = writeEngine(join(root, "e"));
    writeFileSync(join(directory, stampName), text);
    expect(readStamp(directory)).toBeNull();
    expect(reasonsOf(directory)).toEqual([`it has no valid ${stampName}`]);
  });
});
