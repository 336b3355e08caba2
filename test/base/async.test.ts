import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { mapBounded } from "../../src/base/async.ts";

test("a bounded map keeps the order and never has more in flight than allowed", async () => {
  let inFlight = 0;
  let most = 0;
  const results = await mapBounded([5, 1, 4, 2, 3], 2, async (value) => {
    inFlight++;
    most = Math.max(most, inFlight);
    for (let k = 0; k < value; k++) await turn();
    inFlight--;
    return value * 10;
  });
  expect(results).toEqual([50, 10, 40, 20, 30]);
  expect(most).toBe(2);
});

test("the first failure is thrown and no further call is started", async () => {
  const started: number[] = [];
  const mapping = mapBounded([0, 1, 2, 3, 4, 5], 2, async (value) => {
    started.push(value);
    await turn();
    if (value === 1) throw new Error("one is broken");
    return value;
  });
  await expect(mapping).rejects.toThrow("one is broken");
  await turn();
  expect(started.length).toBeLessThan(6);
});

test("an empty list maps to an empty list", async () => {
  expect(await mapBounded([], 4, async () => 1)).toEqual([]);
});
