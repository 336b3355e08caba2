import {
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  ownerOfThisProcess,
  scratchFolder,
  sweepScratch,
  takeLock,
} from "../../../scripts/engine/lock.ts";

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hueline-lock-"));
  path = join(root, "engine.lock");
});
afterEach(() => rmSync(root, { recursive: true }));

const [, , machine = ""] = ownerOfThisProcess().split("-");
/** No process has this id: Linux numbers them up to 2^22. */
const dead = `99999999-1-${machine}`;
/** This process's id, but started at another time: the id was given again. */
const reused = `${process.pid}-1-${machine}`;
const foreign = "1-1-ffffffffffff";

/** Tries for the lock and says who holds it, if it has to wait. */
async function holderOf(lockPath: string): Promise<string | null> {
  const giveUp = new AbortController();
  let holder: string | null = null;
  try {
    const lock = await takeLock(lockPath, {
      signal: giveUp.signal,
      onWait(pid) {
        holder = pid;
        giveUp.abort();
      },
    });
    await lock.release();
  } catch (thrown) {
    if (!giveUp.signal.aborted) throw thrown;
  }
  return holder;
}

test("a free lock is taken in one step with its owner's name, and released", async () => {
  const { signal } = new AbortController();
  const lock = await takeLock(path, { signal, onWait: expect.unreachable });
  expect(readlinkSync(path)).toBe(ownerOfThisProcess());
  await lock.release();
  expect(readdirSync(root)).toEqual([]);
});

test("a living owner is waited for, by name", async () => {
  symlinkSync(ownerOfThisProcess(), path);
  expect(await holderOf(path)).toBe(String(process.pid));
  expect(readlinkSync(path)).toBe(ownerOfThisProcess());
});

test.each([
  ["a dead process", dead],
  ["a process whose id was given again", reused],
  ["something that is no owner", "rubbish"],
])("the lock of %s is taken over", async (_, owner) => {
  symlinkSync(owner, path);
  expect(await holderOf(path)).toBeNull();
  expect(readdirSync(root)).toEqual([]);
});

test("an owner on another machine counts as alive while it touches its lock, and no longer", async () => {
  symlinkSync(foreign, path);
  expect(await holderOf(path)).toBe("1");
  const longAgo = new Date(lstatSync(path).mtimeMs - 120_000);
  lutimesSync(path, longAgo, longAgo);
  expect(await holderOf(path)).toBeNull();
});

test("a lock that somebody else took over is not released", async () => {
  const { signal } = new AbortController();
  const lock = await takeLock(path, { signal, onWait: expect.unreachable });
  rmSync(path);
  symlinkSync(foreign, path);
  await lock.release();
  expect(readlinkSync(path)).toBe(foreign);
});

test("a sweep removes the scratch folders of dead processes and nothing else", async () => {
  const own = scratchFolder(root, "build");
  for (const folder of [
    own,
    join(root, `.build-${dead}`),
    join(root, `.old-${reused}`),
    join(root, `.build-${foreign}`),
    join(root, "tensorflow-x"),
    join(root, ".build-notes"),
  ])
    mkdirSync(join(folder, "inside"), { recursive: true });
  await sweepScratch(root);
  expect(
    readdirSync(root)
      .map((name) => join(root, name))
      .sort(),
  ).toEqual(
    [
      own,
      join(root, `.build-${foreign}`),
      join(root, "tensorflow-x"),
      join(root, ".build-notes"),
    ].sort(),
  );
});
