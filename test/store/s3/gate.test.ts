import { expect, test } from "vitest";
import { createGate } from "../../../src/store/s3/gate.ts";

test("as many enter as there are places, the others in the order in which they came", async () => {
  const gate = createGate(2);
  const entered: number[] = [];
  const all = [1, 2, 3, 4].map(async (number) => {
    const leave = await gate.enter();
    entered.push(number);
    return leave;
  });
  const first = await all[0];
  await all[1];
  expect(entered).toEqual([1, 2]);
  first?.("success");
  (await all[2])?.("failure");
  await all[3];
  expect(entered).toEqual([1, 2, 3, 4]);
});

test("an overload halves the places once, however many requests it answers", async () => {
  const gate = createGate(16);
  const leaves = await Promise.all(Array.from({ length: 16 }, gate.enter));
  for (const leave of leaves) leave("slow-down");
  expect(gate.limit).toBe(8);
  (await gate.enter())("slow-down");
  expect(gate.limit).toBe(4);
});

test("the places never fall below one, and grow back one for each round of successes, up to the maximum", async () => {
  const gate = createGate(4);
  for (let i = 0; i < 10; i++) (await gate.enter())("slow-down");
  expect(gate.limit).toBe(1);
  (await gate.enter())("success");
  expect(gate.limit).toBe(2);
  (await gate.enter())("failure");
  expect(gate.limit).toBe(2);
  for (let i = 0; i < 100; i++) (await gate.enter())("success");
  expect(gate.limit).toBe(4);
});
