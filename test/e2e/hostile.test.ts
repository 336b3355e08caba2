/**
 * Commands that read what others may have written: whatever lies in the store, they end, with an answer or an error that
 * names the object, within bounds of memory, and write nowhere but where they were told.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openHostileRun } from "../support/hostile/hostile-run.ts";
import type {
  HostileCase,
  HostileRun,
} from "../support/hostile/hostile-run.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

const cases = 400;
const mostGrowthBytes = 300 * 2 ** 20;

let run: HostileRun;
let remove: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  const opened = await openTemporaryFolder();
  remove = opened.remove;
  run = await openHostileRun(opened.folder, 1);
}, 120_000);
afterAll(async () => {
  await remove();
});

test("no object of a store makes a command crash, hang, write astray or take much memory", async () => {
  const before = process.memoryUsage.rss();
  const found: HostileCase[] = [];
  for (let number = 0; number < cases; number++)
    found.push(await run.attempt(number));
  expect(found.filter(({ problem }) => problem !== null)).toEqual([]);
  // Both ends are met: what is spoiled shows, and what does not matter does no harm.
  const refused = found.filter(({ exitCode }) => exitCode === 65).length;
  expect(refused).toBeGreaterThan(cases / 20);
  expect(refused).toBeLessThan(cases);
  expect(process.memoryUsage.rss() - before).toBeLessThan(mostGrowthBytes);
}, 300_000);
