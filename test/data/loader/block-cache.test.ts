import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  blockFile,
  createBlockCache,
} from "../../../src/data/loader/block-cache.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

let directory: string;
let removeFolder: () => Promise<void>;
beforeEach(async () => {
  const { folder, remove } = await openTemporaryFolder();
  directory = path.join(folder, "cache");
  removeFolder = remove;
});
afterEach(() => removeFolder());

const BLOCK = 1000;
const block = (i: number): Buffer => Buffer.alloc(BLOCK, i);
const sumOfFiles = (): number =>
  readdirSync(directory)
    .map((name) => statSync(path.join(directory, name)).size)
    .reduce((a, b) => a + b, 0);

/** Sets the time of last use, in seconds ago. */
function age(name: string, seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  utimesSync(blockFile(directory, name), then, then);
}

describe("a cache of blocks", () => {
  it("gives back what was written, to any cache of the same folder, and nothing of another name or size", async () => {
    const [one, other] = [1, 2].map(() =>
      createBlockCache({ directory, maxBytes: 2 ** 20 }),
    ) as [
      ReturnType<typeof createBlockCache>,
      ReturnType<typeof createBlockCache>,
    ];
    await one.write("a", block(7));
    const found = Buffer.alloc(BLOCK);
    expect(await other.read("a", found)).toBe(true);
    expect(found.equals(block(7))).toBe(true);
    expect(await other.read("b", found)).toBe(false);
    expect(await other.read("a", Buffer.alloc(BLOCK - 1))).toBe(false);
    expect(one.problem()).toBeNull();
  });

  it.each([0, 3, BLOCK, BLOCK + 3])(
    "takes a file of %d bytes, whose writing was cut off, for none, and removes it",
    async (length) => {
      const cache = createBlockCache({ directory, maxBytes: 2 ** 20 });
      await cache.write("a", block(7));
      truncateSync(blockFile(directory, "a"), length);
      expect(await cache.read("a", Buffer.alloc(BLOCK))).toBe(false);
      expect(existsSync(blockFile(directory, "a"))).toBe(false);
    },
  );

  it("stays below its limit whoever writes at once, and drops what was not used for longest", async () => {
    const maxBytes = 64 * BLOCK;
    const first = createBlockCache({ directory, maxBytes });
    for (const name of ["old", "used"]) await first.write(name, block(1));
    for (const name of ["old", "used"]) age(name, 60);
    expect(await first.read("used", Buffer.alloc(BLOCK))).toBe(true);
    const caches = Array.from({ length: 8 }, () =>
      createBlockCache({ directory, maxBytes }),
    );
    for (let turn = 0; turn < 12; turn++) {
      await Promise.all(
        caches.map((cache, i) => cache.write(`${turn}-${i}`, block(turn))),
      );
      expect(sumOfFiles()).toBeLessThanOrEqual(maxBytes);
      // Files of one turn are younger than those of the turn before, however coarse the clock is.
      for (const i of caches.keys())
        if (existsSync(blockFile(directory, `${turn}-${i}`)))
          age(`${turn}-${i}`, 50 - turn);
    }
    expect(sumOfFiles()).toBeGreaterThan(maxBytes / 2);
    expect(existsSync(blockFile(directory, "old"))).toBe(false);
    expect(existsSync(blockFile(directory, "11-7"))).toBe(true);
    // Used now, as far as it can tell: it outlives the first turns, whose files are older.
    expect(existsSync(blockFile(directory, "used"))).toBe(true);
    expect(existsSync(blockFile(directory, "0-0"))).toBe(false);
  });

  it("clears away what a writer left that was killed long ago, not what one writes now", async () => {
    const limits = { directory, maxBytes: 64 * BLOCK };
    await createBlockCache(limits).write("a", block(1));
    for (const [name, seconds] of [
      ["killed.tmp", 7200],
      ["writing.tmp", 1],
      ["notes.txt", 7200],
    ] as const) {
      const file = path.join(directory, name);
      writeFileSync(file, block(1));
      utimesSync(
        file,
        Date.now() / 1000 - seconds,
        Date.now() / 1000 - seconds,
      );
    }
    await createBlockCache(limits).write("b", block(1));
    expect(readdirSync(directory).toSorted()).toEqual([
      "a.block",
      "b.block",
      "notes.txt",
      "writing.tmp",
    ]);
  });

  it("keeps no block that is larger than its limit", async () => {
    const cache = createBlockCache({ directory, maxBytes: BLOCK });
    await cache.write("a", block(1));
    expect(existsSync(directory)).toBe(false);
    expect(cache.problem()).toBeNull();
  });

  it("ends with a reason where the folder is none, and leaves nothing behind", async () => {
    const parent = path.dirname(directory);
    writeFileSync(directory, "a file");
    const cache = createBlockCache({ directory, maxBytes: 2 ** 20 });
    await cache.write("a", block(1));
    expect(cache.problem()).toMatch(/EEXIST|ENOTDIR/);
    expect(await cache.read("a", Buffer.alloc(BLOCK))).toBe(false);
    expect(readdirSync(parent)).toEqual(["cache"]);
    expect(readFileSync(directory, "utf8")).toBe("a file");
  });
});
