/** The file store under kill -9: real processes, killed at moments that a seed chooses. */
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { below } from "../../src/base/random.ts";
import { createFileStore } from "../../src/store/fs.ts";
import type { Store } from "../../src/store/store.ts";
import { startLines } from "../support/child-lines.ts";
import type { LineChild } from "../support/child-lines.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const script = fileURLToPath(
  new URL("../support/store-process.ts", import.meta.url),
);

async function readCount(store: Store): Promise<number> {
  const read = await store.readRecord("claims/count.json");
  return read ? Number(Buffer.from(read.bytes).toString()) : 0;
}

/** Runs `slots` processes beside each other; each is killed and replaced `lives` times, after up to 40 more lines. */
async function killAgainAndAgain(options: {
  readonly slots: number;
  readonly lives: number;
  readonly seed: number;
  start(slot: number): LineChild;
  afterKill?(): Promise<void>;
}): Promise<LineChild[]> {
  const children: LineChild[] = [];
  const live = async (slot: number): Promise<void> => {
    for (let life = 0; life < options.lives; life++) {
      const child = options.start(slot);
      children.push(child);
      await child.untilLines(1 + below(40, options.seed, slot, life));
      await child.kill();
      await options.afterKill?.();
    }
  };
  await Promise.all(Array.from({ length: options.slots }, (_, i) => live(i)));
  return children;
}

test("processes that count a record up and are killed lose no acknowledged step and never step back", async () => {
  const folder = await createTemporaryFolder();
  const store = createFileStore({ directory: folder });
  let newest = 0;
  const children = await killAgainAndAgain({
    slots: 3,
    lives: 6,
    seed: 1,
    start: () => startLines(script, ["count", folder]),
    async afterKill() {
      // Two may read at once: of them the one that began first may see less.
      const before = newest;
      const count = await readCount(store);
      expect(count).toBeGreaterThanOrEqual(before);
      newest = Math.max(newest, count);
    },
  });
  const acknowledged = children.flatMap(({ lines }) => lines.map(Number));
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  for (const { lines } of children)
    expect(lines.map(Number)).toEqual(lines.map(Number).sort((a, b) => a - b));
  // Each kill may have hit a swap that was done and not yet said.
  const final = await readCount(store);
  expect(final).toBeGreaterThanOrEqual(Math.max(...acknowledged));
  expect(final).toBeGreaterThanOrEqual(acknowledged.length);
  expect(final).toBeLessThanOrEqual(acknowledged.length + children.length);
});

test("what kills leave of a record is swept by later swaps", async () => {
  const folder = await createTemporaryFolder();
  const store = createFileStore({ directory: folder });
  await killAgainAndAgain({
    slots: 2,
    lives: 4,
    seed: 2,
    start: () => startLines(script, ["count", folder]),
  });
  for (let swaps = 0; swaps < 3; swaps++) {
    const read = await store.readRecord("claims/count.json");
    await store.swap(
      "claims/count.json",
      read?.bytes ?? new Uint8Array(),
      read?.etag ?? null,
    );
  }
  const names = await readdir(`${folder}/claims/.records/count.json`);
  expect(names.filter((name) => name.startsWith("head."))).toHaveLength(1);
  expect(names.filter((name) => name.startsWith("data."))).toHaveLength(2);
});

test("an object that killed writers replace is always one of theirs, whole, and their leavings are not listed", async () => {
  const folder = await createTemporaryFolder();
  const store = createFileStore({ directory: folder });
  await killAgainAndAgain({
    slots: 2,
    lives: 8,
    seed: 3,
    start: () => startLines(script, ["put", folder]),
    async afterKill() {
      const bytes = await store.read("runs/r/status.json");
      const size = bytes?.byteLength ?? 0;
      expect(size).toBeGreaterThan(0);
      const whole = Buffer.alloc(size, size % 251);
      expect(whole.equals(bytes ?? new Uint8Array())).toBe(true);
    },
  });
  const paths = [];
  for await (const { path } of store.list("")) paths.push(path);
  expect(paths).toEqual(["runs/r/status.json"]);
});

test("of processes that commit the same keys and are killed, each key has one winner at most, whose bytes stand whole", async () => {
  const folder = await createTemporaryFolder();
  const store = createFileStore({ directory: folder });
  const children = await killAgainAndAgain({
    slots: 3,
    lives: 4,
    seed: 4,
    start: () => startLines(script, ["commit", folder, "0"]),
  });
  const winners = new Map<string, number>();
  for (const child of children)
    for (const line of child.lines) {
      const [number = "", outcome] = line.split(" ");
      const bytes = await store.read(`cas/${number}/manifest.json`);
      expect(bytes?.byteLength).toBe(5000);
      if (outcome !== "written") continue;
      expect(winners.has(number)).toBe(false);
      winners.set(number, child.pid);
      expect(
        Buffer.from(bytes ?? [])
          .toString()
          .trim(),
      ).toBe(`${child.pid}`);
    }
  expect(winners.size).toBeGreaterThan(0);
});
