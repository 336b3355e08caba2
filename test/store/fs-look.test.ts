/** Looking at files: what is there, and whom a slow file system holds up. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createLook } from "../../src/store/fs/look.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

async function openFiles() {
  const folder = await createTemporaryFolder();
  await mkdir(`${folder}/folder`);
  await writeFile(`${folder}/file`, "four");
  await symlink("loop", `${folder}/loop`);
  return folder;
}

/** A clock on which each look takes so long; it counts how often it was asked, which is twice a look made at once. */
function createSlowClock(tookMs: number) {
  let nowMs = 0;
  const clock = { asked: 0, tookMs, now: () => 0 };
  clock.now = () => (clock.asked++ % 2 === 0 ? nowMs : (nowMs += clock.tookMs));
  return clock;
}

test.each([
  ["at once", 0],
  ["by a thread", 10],
])(
  "%s: a file, a folder, nothing, nothing below a file, and what the system refuses",
  async (_, tookMs) => {
    const folder = await openFiles();
    const look = createLook(createSlowClock(tookMs).now);
    for (let i = 0; i < 5; i++) {
      const file = await look(`${folder}/file`);
      expect(file?.isFile()).toBe(true);
      expect(file?.size).toBe(4);
      expect((await look(`${folder}/folder`))?.isDirectory()).toBe(true);
      expect(await look(`${folder}/none`)).toBeNull();
      expect(await look(`${folder}/file/none`)).toBeNull();
      await expect(look(`${folder}/loop`)).rejects.toMatchObject({
        code: "ELOOP",
      });
    }
  },
);

test("after three slow answers in a row threads ask for a thousand times, then it is tried again", async () => {
  const folder = await openFiles();
  const clock = createSlowClock(10);
  const look = createLook(clock.now);
  const lookTimes = async (times: number): Promise<number> => {
    const before = clock.asked;
    for (let i = 0; i < times; i++) await look(`${folder}/file`);
    return (clock.asked - before) / 2;
  };
  expect(await lookTimes(1003)).toBe(3);
  expect(await lookTimes(1001)).toBe(1);
  clock.tookMs = 0;
  expect(await lookTimes(100)).toBe(100);
});

test("two slow answers among quick ones change nothing", async () => {
  const folder = await openFiles();
  const clock = createSlowClock(0);
  const look = createLook(clock.now);
  for (let i = 0; i < 30; i++) {
    clock.tookMs = i % 3 === 0 ? 0 : 10;
    await look(`${folder}/file`);
  }
  expect(clock.asked).toBe(60);
});
