import { describe, expect, it } from "vitest";
import { readAhead } from "../../../src/data/places/read-ahead.ts";

/** Counts what is read and not yet used, and lets everything take a few turns of the event loop. */
async function watch(sizes: readonly number[], heldBytes?: number) {
  const most = { bytes: 0, reads: 0, uses: 0 };
  const now = { bytes: 0, reads: 0, uses: 0 };
  const count = (name: keyof typeof now, amount: number) => {
    now[name] += amount;
    most[name] = Math.max(most[name], now[name]);
  };
  const used: number[] = [];
  const turns = async () => {
    for (let i = 0; i < 3; i++) await new Promise(setImmediate);
  };
  await readAhead(sizes, {
    ...(heldBytes === undefined ? {} : { heldBytes }),
    sizeBytes: (size) => size,
    async read(size) {
      count("bytes", size);
      count("reads", 1);
      await turns();
      return size * 2;
    },
    async use(position, size, read) {
      count("uses", 1);
      await turns();
      expect(read).toBe(2 * size);
      used.push(position);
      count("uses", -1);
      count("reads", -1);
      count("bytes", -size);
    },
  });
  return { most, used: used.toSorted((a, b) => a - b) };
}

describe("reading ahead", () => {
  it("uses every item once, sixteen on the way and two in use", async () => {
    const { most, used } = await watch(Array.from({ length: 50 }, () => 1));
    expect(used).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(most).toMatchObject({ reads: 16, uses: 2 });
  });

  it("holds no more bytes than allowed, unless one file is larger", async () => {
    const sizes = [40, 30, 30, 30, 500, 10, 10, 90];
    const { most, used } = await watch(sizes, 100);
    expect(used).toHaveLength(sizes.length);
    expect(most.bytes).toBe(500);
    expect(
      (
        await watch(
          sizes.filter((size) => size < 100),
          100,
        )
      ).most.bytes,
    ).toBe(100);
  });

  it("ends with the first failure", async () => {
    const reading = readAhead([1, 2, 3], {
      sizeBytes: () => 1,
      read: async (item) => {
        if (item === 2) throw new Error("gone");
      },
      use: async () => undefined,
    });
    await expect(reading).rejects.toThrow("gone");
  });
});
