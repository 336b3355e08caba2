/**
 * A machine that is in a bad state: a store that cannot be written, a full disk, a broken engine, sources that are not
 * there or not readable. Each is one error that names the place and the remedy, and after the remedy the same command
 * comes to its end.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import {
  afterAll,
  beforeAll,
  expect,
  onTestFinished,
  test,
  type TestContext,
} from "vitest";
import {
  cacheRootOf,
  findEngine,
  toEnginePlatform,
} from "../../../src/engine/location.ts";
import { hueline, openRunFolder, runOf } from "../../support/hueline.ts";
import {
  readPhotographs,
  toSharp,
  writeFiles,
} from "../../support/photographs.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

const training = path.join(import.meta.dirname, "training.yaml");
const short = ["-p", "steps=20"];

let folder = "";
let remove: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  ({ folder, remove } = await openTemporaryFolder());
});

afterAll(async () => {
  await remove();
});

const run = (args: readonly string[], variables: Record<string, string> = {}) =>
  hueline(["run", ...args, "-o", "json"], { folder, variables });

/** Mounts something on a new folder for the time of a test, or skips it where this user may not mount. */
function mount(context: TestContext, name: string, args: readonly string[]) {
  const target = path.join(folder, name);
  mkdirSync(target);
  try {
    execFileSync("mount", [...args, target], { stdio: "pipe" });
  } catch {
    context.skip("this user may not mount file systems here");
  }
  onTestFinished(() => {
    execFileSync("umount", [target]);
  });
  return {
    remount: (options: string) =>
      execFileSync("mount", ["-o", `remount,${options}`, target]),
  };
}

test("a store on a file system that is mounted read-only is told, can be read, and goes on when it is writable", async (context) => {
  const store = "read-only";
  const { remount } = mount(context, store, ["-t", "tmpfs", "tmpfs"]);
  const first = await run([training, "-p", "steps=10", "--store", store]);
  expect(first.code).toBe(0);
  remount("ro");
  const refused = await run([training, ...short, "--store", store]);
  expect(refused.code).toBe(65);
  expect(refused.stderr).toContain("[store.read-only]");
  expect(refused.stderr).toContain(path.join(folder, store));
  expect(refused.stderr).toContain("mount it for writing");
  const status = await hueline(["status", "--store", store], { folder });
  expect(status.stdout).toContain("Succeeded");
  remount("rw");
  const mended = await run([training, ...short, "--store", store]);
  expect(mended.code).toBe(0);
  const { counts } = JSON.parse(mended.stdout).status;
  expect(counts).toMatchObject({ Succeeded: 3, cached: 2 });
}, 60_000);

test("a full disk is told, loses nothing, and the run goes on when there is room", async (context) => {
  const store = "full";
  const { remount } = mount(context, store, [
    "-t",
    "tmpfs",
    "-o",
    "size=1m",
    "tmpfs",
  ]);
  const full = await run([training, ...short, "--store", store]);
  expect([1, 65]).toContain(full.code);
  expect(full.stdout + full.stderr).toContain("no space is left on its disk");
  expect(full.stdout + full.stderr).toContain("free some space");
  remount("size=64m");
  const mended = await run([training, ...short, "--store", store]);
  expect(mended.stderr).not.toContain("error");
  expect(mended.code).toBe(0);
  const { counts } = JSON.parse(mended.stdout).status;
  expect(counts).toMatchObject({ Succeeded: 3, cached: 2 });
}, 60_000);

test("a broken engine is told with the file and the command that mends it", async () => {
  const { directory } = findEngine({
    cacheRoot: cacheRootOf(process.env["XDG_CACHE_HOME"], homedir()),
    platform: toEnginePlatform(process.platform, process.arch) ?? "linux-x64",
    override: process.env["HUELINE_ENGINE"],
  });
  const broken = path.join(folder, "engine");
  mkdirSync(broken);
  for (const name of readdirSync(directory))
    symlinkSync(path.join(directory, name), path.join(broken, name));
  unlinkSync(path.join(broken, "session.node"));
  cpSync(
    path.join(directory, "session.node"),
    path.join(broken, "session.node"),
  );
  truncateSync(path.join(broken, "session.node"), 1000);

  const args = [training, ...short, "--store", "engine-store"];
  const refused = await run(args, { HUELINE_ENGINE: broken });
  expect(refused.code).toBe(1);
  const [note] = JSON.parse(refused.stdout).status.notes;
  expect(note).toMatchObject({
    task: "pretrain",
    phase: "Failed",
    attempts: 1,
  });
  expect(note.reason).toContain(broken);
  expect(note.reason).toContain("session.node has 1000 bytes");
  expect(note.reason).toContain("npm run engine");
  expect(note.reason).toContain("HUELINE_ENGINE");
  expect((await run(args)).code).toBe(0);
}, 60_000);

test.each([
  {
    what: "a package that is not installed",
    source: "package:does-not-exist",
    wanted: "npm install --no-save --ignore-scripts does-not-exist",
  },
  {
    what: "a folder that is not there",
    source: "no/such/folder",
    wanted: "no/such/folder",
  },
  {
    what: "a URL",
    source: "https://images.example/",
    wanted: "copy the images to",
  },
])(
  "$what as a source is told before anything runs",
  async ({ source, wanted }) => {
    writeFileSync(path.join(folder, "source.yaml"), pipelineOf({ source }));
    const refused = await run(["source.yaml", "--store", "sources"]);
    expect(refused.code).toBe(65);
    expect(refused.stderr).toContain("[data.source-");
    expect(refused.stderr).toContain(wanted);
    expect(readdirSync(folder)).not.toContain("sources");
  },
);

test("unreadable images are counted, and too many of them fail the dataset with their names", async () => {
  const images = await readPhotographs(20);
  for (const [i, image] of images.entries())
    writeFiles(path.join(folder, "images"), {
      [`cats/${i}.png`]: await toSharp(image).png().toBuffer(),
    });
  writeFiles(path.join(folder, "images"), {
    "cats/torn.png": "not an image",
    "cats/empty.jpg": "",
    "cats/notes.txt": "by hand",
  });
  const pipeline = (maxBad: number): string => {
    const text = pipelineOf({ source: "images", maxBad });
    writeFileSync(path.join(folder, "images.yaml"), text);
    return "images.yaml";
  };
  const refused = await run([pipeline(0.05), "--store", "image-store"]);
  expect(refused.code).toBe(1);
  const [note] = JSON.parse(refused.stdout).status.notes;
  expect(note.reason).toMatch(/2 of 22/);
  expect(note.reason).toContain("torn.png");
  expect(note.reason).toContain("maxBad");

  const taken = await run([pipeline(0.1), "--store", "image-store"]);
  expect(taken.code).toBe(0);
  const left = await openRunFolder(
    path.join(folder, "image-store"),
    runOf(taken),
  );
  const { key } = left.task("a catalog", ({ kind }) => kind === "catalog");
  expect((await left.manifest(key)).metrics).toMatchObject({
    images: 20,
    bad: 2,
    leftOut: 1,
  });
}, 60_000);

function pipelineOf(params: {
  readonly source: string;
  readonly maxBad?: number;
}): string {
  const spec = {
    name: "images",
    stages: {
      photos: { kind: "shard", with: { format: "image-folder", ...params } },
    },
  };
  return JSON.stringify(spec);
}
