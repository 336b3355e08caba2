/** `npm run engine` from outside: what it says, what it leaves behind, what a later run trusts. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
  vi,
} from "vitest";
import { checkEngine, libraryNames } from "../../src/engine/location.ts";
import { stampName } from "../../src/engine/stamp.ts";
import { EngineScript } from "../support/engine-script.ts";

/** Each case starts several processes; on a busy machine they take turns. */
const PATIENCE_MS = 120_000;
vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS });

let script: EngineScript;
beforeEach(() => {
  script = new EngineScript();
});
afterEach(() => script.remove());

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("the command line", () => {
  test("--help explains itself and does nothing", async () => {
    const { code, stdout } = await script.run(["--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/--cuda.*--check.*HUELINE_ENGINE/s);
    expect(script.entries()).toEqual([]);
  });

  test("an unknown option is a usage error", async () => {
    const { code, stderr } = await script.run(["--gpu"]);
    expect(code).toBe(64);
    expect(stderr).toMatch(/--gpu.*--help/s);
  });

  test("--check of an empty cache fails with the remedy and builds nothing", async () => {
    const { code, stderr } = await script.run(["--check"]);
    expect(code).toBe(65);
    expect(stderr).toMatch(/engine\.missing.*npm run engine/s);
    expect(script.stages()).toEqual([]);
  });
});

describe("missing tools are named before anything is downloaded", () => {
  test.each([
    ["python3", "python3 python3-pip"],
    ["g++", "apt-get install g\\+\\+.*dnf install gcc-c\\+\\+"],
  ])("no %s", async (tool, want) => {
    script.removeTool(tool);
    const { code, stderr } = await script.run();
    expect(code).toBe(65);
    expect(stderr).toMatch(new RegExp(`engine.tool-missing.*${want}`, "s"));
    expect(script.stages()).toEqual([]);
  });

  test("no pip", async () => {
    const { code, stderr } = await script.run([], { STUB_NO_PIP: "1" });
    expect(code).toBe(65);
    expect(stderr).toMatch(/engine\.tool-missing.*python3-pip/s);
    expect(script.stages()).toEqual([]);
  });
});

describe("a build that fails is one clear error and leaves nothing", () => {
  test.each([
    ["download", /engine\.download.*No space left.*pip/s],
    ["unpack", /engine\.unpack.*No space left.*disk is full/s],
    ["compile", /engine\.compile.*No space left/s],
  ])("at the %s", async (stage, want) => {
    const { code, stderr } = await script.run([], {
      [`STUB_${stage}`]: "fail",
    });
    expect(code).toBe(65);
    expect(stderr).toMatch(want);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(script.entries()).toEqual([]);
  });

  test("an addon that does not load is found out before the engine is in place", async () => {
    script.addTool(
      "g++",
      '#!/bin/sh\n[ "$1" = --version ] && exit 0\nwhile [ "$1" != -o ]; do shift; done\necho rubbish > "$2"\n',
    );
    const { code, stderr } = await script.run();
    expect(code).toBe(65);
    expect(stderr).toMatch(/engine\.proof.*session\.node does not load/s);
    expect(script.entries()).toEqual([]);
  });

  test("a cache that cannot be made is named, with the way out", async () => {
    mkdirSync(dirname(script.cache), { recursive: true });
    writeFileSync(script.cache, "a file in the way");
    const { code, stderr } = await script.run();
    expect(code).toBe(65);
    expect(stderr).toMatch(/engine\.disk.*XDG_CACHE_HOME/s);
  });
});

describe("with the real pip", () => {
  const realTools = {
    PATH: process.env["PATH"],
    PIP_NO_INDEX: "1",
    PIP_CONFIG_FILE: "/dev/null",
  };

  test("a wheel of the right name and the wrong content is refused", async () => {
    const links = join(script.root, "links");
    mkdirSync(links);
    const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
    const name = process.arch === "arm64" ? "tensorflow" : "tensorflow_cpu";
    writeFileSync(
      join(links, `${name}-2.18.1-cp311-cp311-manylinux_2_17_${machine}.whl`),
      "not it",
    );
    const { code, stderr } = await script.run([], {
      ...realTools,
      PIP_FIND_LINKS: links,
    });
    expect(code).toBe(65);
    expect(stderr).toMatch(/engine\.hash.*SHA-256 differs.*Expected sha256/s);
    expect(script.entries()).toEqual([]);
  });

  test("an index that cannot be reached is an error with pip's own words", async () => {
    const { code, stderr } = await script.run([], {
      ...realTools,
      PIP_FIND_LINKS: "",
    });
    expect(code).toBe(65);
    expect(stderr).toMatch(
      /engine\.download.*No matching distribution.*network/s,
    );
    expect(script.entries()).toEqual([]);
  });
});

describe("killed half-way", () => {
  test("kill -9 at any stage leaves nothing that is trusted, and the next run cleans up and succeeds", async () => {
    for (const stage of ["download", "unpack", "compile"]) {
      const { child, finished } = script.start([], {
        [`STUB_${stage}`]: "hang",
      });
      const stub = await vi.waitFor(() => script.hangingStub(), PATIENCE_MS);
      child.kill("SIGKILL");
      await finished.finally(() => script.killStub(stub));
      expect(checkEngine(script.directory).kind).toBe("missing");
      // The scratch folder and the lock of the dead process; those of the one before are gone.
      expect(script.entries()).toHaveLength(2);
    }
    const { code, stdout } = await script.run();
    expect([code, stdout]).toEqual([0, `engine ready: ${script.directory}\n`]);
    expect(script.entries()).toEqual([basename(script.directory)]);
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)(
    "%s stops pip too, cleans up and exits with %i",
    async (signal, want) => {
      const { child, finished } = script.start([], { STUB_download: "hang" });
      const stub = await vi.waitFor(() => script.hangingStub(), PATIENCE_MS);
      child.kill(signal);
      const { code, stderr } = await finished;
      expect(code).toBe(want);
      expect(stderr).toMatch(/nothing was installed/);
      expect(isRunning(stub)).toBe(false);
      expect(script.entries()).toEqual([]);
    },
  );
});

test("of two at once one builds, and the other waits for it and says so", async () => {
  const first = script.start([], { STUB_download: "wait" });
  await vi.waitFor(
    () => expect(script.stages()).toEqual(["download"]),
    PATIENCE_MS,
  );
  const second = script.start([]);
  await vi.waitFor(
    () =>
      expect(second.stderr()).toMatch(`waiting for process ${first.child.pid}`),
    PATIENCE_MS,
  );
  script.go();
  const both = await Promise.all([first.finished, second.finished]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(script.stages()).toEqual(["download", "unpack", "compile", "compile"]);
  expect(script.entries()).toEqual([basename(script.directory)]);
});

describe("an engine that is there", () => {
  let template: EngineScript;
  beforeAll(async () => {
    template = new EngineScript();
    const { code, stderr } = await template.run();
    expect(stderr).toMatch(
      /downloading.*SHA-256 verified.*compiling.*proving/s,
    );
    expect(code).toBe(0);
  });
  afterAll(() => template.remove());
  beforeEach(() => script.copyEngine(template));
  const firstLibrary = () => join(script.directory, libraryNames[0]);

  test("is found without running any tool", async () => {
    script.removeTool("python3");
    script.removeTool("g++");
    expect((await script.run()).stdout).toBe(
      `engine ready: ${script.directory}\n`,
    );
    expect((await script.run(["--quiet"])).stdout).toBe("");
    expect((await script.run(["--check"])).code).toBe(0);
  });

  test("is built again when a library was cut short", async () => {
    cpSync(firstLibrary(), `${firstLibrary()}.own`); // never truncate a file that is linked elsewhere
    renameSync(`${firstLibrary()}.own`, firstLibrary());
    truncateSync(firstLibrary(), 1_000_000);
    expect((await script.run(["--check"])).stderr).toMatch(/has 1000000 bytes/);
    expect((await script.run()).code).toBe(0);
    expect((await script.run(["--check"])).code).toBe(0);
    expect(script.stages()[0]).toBe("download");
  });

  test("is built again when somebody removed a part of it, its stamp too", async () => {
    rmSync(join(script.directory, stampName));
    rmSync(join(script.directory, "session.node"));
    expect((await script.run()).code).toBe(0);
    expect(checkEngine(script.directory).kind).toBe("ready");
  });

  test("with changed bytes of the same number is found out by --check and mended by --force", async () => {
    const addon = join(script.directory, "session.node");
    cpSync(addon, `${addon}.own`);
    renameSync(`${addon}.own`, addon);
    const file = openSync(addon, "r+");
    writeSync(file, "XXXX", 5000);
    closeSync(file);
    const { code, stderr } = await script.run(["--check"]);
    expect(code).toBe(65);
    expect(stderr).toMatch(/engine\.broken.*session\.node.*--force/s);
    expect((await script.run(["--force"])).code).toBe(0);
    expect((await script.run(["--check"])).code).toBe(0);
  });

  test("lends its libraries to the next version, without a download", async () => {
    const stamp = join(script.directory, stampName);
    const older = readFileSync(stamp, "utf8").replace(
      /"recipe": "[0-9a-f]+"/,
      '"recipe": "000000000000"',
    );
    writeFileSync(`${stamp}.own`, older);
    renameSync(`${stamp}.own`, stamp);
    renameSync(script.directory, join(script.engines, "tensorflow-older"));
    const { code, stderr } = await script.run([], { STUB_download: "fail" });
    expect(stderr).toMatch(/libraries are here already/);
    expect(code).toBe(0);
    expect(script.stages()).toEqual(["compile", "compile"]);
  });

  test("can be moved: HUELINE_ENGINE names it, and it computes there", async () => {
    const moved = join(script.root, "image", "engine");
    mkdirSync(dirname(moved));
    renameSync(script.directory, moved);
    const env = { HUELINE_ENGINE: moved };
    expect((await script.run(["--check"], env)).stdout).toBe(
      `engine ready: ${moved}\n`,
    );
    const info = execFileSync(
      process.execPath,
      ["scripts/engine/probe.ts", moved],
      { encoding: "utf8" },
    );
    expect(JSON.parse(info)).toMatchObject({
      tensorflow: "2.18.1",
      variant: "cpu",
    });
  });
});

test("HUELINE_ENGINE never replaces a folder that is not an engine", async () => {
  const foreign = join(script.root, "documents");
  mkdirSync(foreign);
  writeFileSync(join(foreign, "thesis.txt"), "years of work");
  const { code, stderr } = await script.run(["--force"], {
    HUELINE_ENGINE: foreign,
  });
  expect(code).toBe(65);
  expect(stderr).toMatch(/engine\.foreign-folder.*will not be replaced/s);
  expect(readFileSync(join(foreign, "thesis.txt"), "utf8")).toBe(
    "years of work",
  );
});
