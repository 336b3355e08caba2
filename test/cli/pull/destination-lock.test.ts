import { mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { systemClock, type Clock } from "../../../src/base/clock.ts";
import { createDestinationLock } from "../../../src/cli/pull/destination-lock.ts";
import { readOwner } from "../../../src/store/claims/owner.ts";
import { toJsonBytes } from "../../../src/store/json.ts";
import { createEnvironment } from "../../support/cli.ts";
import {
  createManualClock,
  type ManualClock,
} from "../../support/manual-clock.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { waitFor } from "../../support/wait-for.ts";

async function openDestination() {
  const folder = path.join(await createTemporaryFolder(), "a", "out");
  const environment = createEnvironment([], { currentDirectory: folder });
  const { host, stderr } = environment;
  return {
    folder,
    stderr,
    createLock: (clock: Clock = systemClock) =>
      createDestinationLock({
        environment: { ...environment, clock },
        run: "study",
        folder,
      }),
    /** What a pull leaves that did not come to its end. */
    async leave(owner: object): Promise<string> {
      const file = path.join(folder, ".hueline-pull", "left");
      await mkdir(path.dirname(file), { recursive: true });
      const own = await readOwner({
        host: host.name,
        pid: host.pid,
        run: "earlier",
        task: "pull",
      });
      await writeFile(file, toJsonBytes({ ...own, ...owner }));
      return file;
    },
  };
}

/** Lets whoever sleeps on the clock, or is about to, sleep that long. */
async function elapse(clock: ManualClock, ms: number): Promise<void> {
  await waitFor("somebody's sleep", () => clock.sleeps()[0] ?? null);
  clock.advance(ms);
}

/** How many took it, and that all others were told by whom. */
async function takeAtOnce(
  locks: readonly ReturnType<typeof createDestinationLock>[],
): Promise<number> {
  const outcomes = await Promise.allSettled(locks.map((lock) => lock.take()));
  const refused = outcomes.filter(({ status }) => status === "rejected");
  for (const outcome of refused)
    expect(outcome).toMatchObject({
      reason: {
        code: "pull.in-use",
        message: expect.stringContaining(
          `a pull of study (process ${process.pid} on test) writes into`,
        ),
      },
    });
  return outcomes.length - refused.length;
}

test("of many pulls that begin at once one gets the folder, the others learn whose it is, and nothing of theirs stays", async () => {
  const { folder, createLock } = await openDestination();
  const locks = Array.from({ length: 20 }, () => createLock());
  expect(await takeAtOnce(locks)).toBe(1);
  expect(await readdir(folder)).toEqual([".hueline-pull"]);
  await Promise.all(locks.map((lock) => lock.release()));
  expect(await readdir(folder)).toEqual([]);
  expect(await takeAtOnce([createLock()])).toBe(1);
});

test("taking it again is nothing new, and releasing what was never taken does nothing", async () => {
  const { folder, createLock } = await openDestination();
  const lock = createLock();
  await lock.release();
  await lock.take();
  await lock.take();
  await lock.release();
  expect(await readdir(folder)).toEqual([]);
});

test("the folder of a pull that was killed goes to one of those who want it, at once", async () => {
  const { createLock, leave } = await openDestination();
  await leave({ pidStartTime: "1" });
  const locks = Array.from({ length: 20 }, () => createLock());
  expect(await takeAtOnce(locks)).toBe(1);
});

test("a pull of another machine keeps the folder for as long as it shows signs of life", async () => {
  const { createLock, leave, stderr } = await openDestination();
  const file = await leave({ host: "elsewhere", pid: 7 });
  const clock = createManualClock();
  const lock = createLock(clock);
  const taking = lock.take();
  await waitFor("its watch", () => clock.sleeps()[0] ?? null);
  await utimes(file, 1, 1);
  clock.advance(5000);
  await expect(taking).rejects.toMatchObject({
    code: "pull.in-use",
    message: expect.stringContaining("(process 7 on elsewhere)"),
  });
  expect(stderr.text()).toContain("watching for 30 s");
  const again = lock.take();
  for (let watched = 0; watched < 30_000; watched += 5000)
    await elapse(clock, 5000);
  await again;
  await lock.release();
});

test("a pull shows signs of life, and learns that another has taken over", async () => {
  const { folder, createLock } = await openDestination();
  const clock = createManualClock();
  const lock = createLock(clock);
  await lock.take();
  const place = path.join(folder, ".hueline-pull");
  const [name = ""] = await readdir(place);
  await elapse(clock, 5000);
  await waitFor("a sign of life", async () =>
    (await stat(path.join(place, name))).mtimeMs === clock.now() ? true : null,
  );
  await rm(path.join(place, name));
  const other = createLock();
  await other.take();
  await elapse(clock, 5000);
  await waitFor("the end of its signs", () =>
    lock.take().then(
      () => null,
      (thrown: unknown) => {
        expect(thrown).toMatchObject({
          message: expect.stringContaining("another pull has taken over"),
        });
        return true;
      },
    ),
  );
  await lock.release();
  await expect(createLock().take()).rejects.toMatchObject({
    code: "pull.in-use",
  });
  await other.release();
});

test("what no pull has written there is not removed", async () => {
  const { folder, createLock } = await openDestination();
  await mkdir(path.join(folder, ".hueline-pull"), { recursive: true });
  await writeFile(path.join(folder, ".hueline-pull", "mine"), "{}");
  await expect(createLock().take()).rejects.toMatchObject({
    code: "pull.in-use",
    message: expect.stringContaining("a file that no pull has written"),
  });
  expect(await readdir(path.join(folder, ".hueline-pull"))).toEqual(["mine"]);
});
