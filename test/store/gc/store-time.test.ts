import { expect, test } from "vitest";
import { readStoreTime } from "../../../src/store/gc/store-time.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { collect } from "../../support/collect.ts";
import { createManualClock } from "../../support/manual-clock.ts";

test("a store's time is that of its own clock, and asking leaves nothing behind", async () => {
  const clock = createManualClock(5000);
  const store = createMemoryStore({ clock });
  expect(await readStoreTime(store)).toBe(5000);
  clock.advance(700);
  expect(await readStoreTime(store)).toBe(5700);
  expect(await collect(store.list(""))).toEqual([]);
});

test("those who ask at once all learn it, though each removes what it wrote", async () => {
  const store = createMemoryStore({ clock: createManualClock(5000) });
  const asked = Array.from({ length: 20 }, () => readStoreTime(store));
  expect(await Promise.all(asked)).toEqual(asked.map(() => 5000));
});

test("a store in which nothing stays says so instead of guessing", async () => {
  const store = { ...createMemoryStore(), stat: async () => null };
  await expect(readStoreTime(store)).rejects.toMatchObject({
    code: "gc.no-time",
  });
});
