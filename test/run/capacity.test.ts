import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Resources } from "../../src/plan/plan.ts";
import { createRoom } from "../../src/run/capacity.ts";

const CAPACITY = { cpu: 4, memoryBytes: 8, gpu: 1 };
const needs = (cpu: number, memoryBytes = 1, gpu = 0): Resources => ({
  cpu,
  memoryBytes,
  gpu,
});

describe("a room", () => {
  it("holds what fits in every respect, and no more", () => {
    const room = createRoom(CAPACITY, [needs(1, 2)]);
    expect(room.admit(needs(3, 6, 1))).toBe(true);
    expect(room.admit(needs(1, 1))).toBe(false);
  });

  it("holds everything where the executor queues by itself", () => {
    const room = createRoom(null, [needs(1000)]);
    expect(room.admit(needs(1000, 1000, 1000))).toBe(true);
  });

  it("holds a task that wants more cores than there are, if it is alone", () => {
    expect(createRoom(CAPACITY, []).admit(needs(9))).toBe(true);
    expect(createRoom(CAPACITY, [needs(1)]).admit(needs(9))).toBe(false);
  });

  it("lets small ones pass a large one while something before it is in its way", () => {
    const room = createRoom(CAPACITY, [needs(3)]);
    room.pass(needs(3));
    expect(room.admit(needs(2))).toBe(false);
    expect(room.admit(needs(1))).toBe(true);
  });

  it("is kept for a large one that only those behind it are in the way of", () => {
    const room = createRoom(CAPACITY, [needs(3)]);
    expect(room.admit(needs(2))).toBe(false);
    expect(room.admit(needs(1))).toBe(false);
  });

  it("lets those start beside a wait for the GPU that leave the cores for it", () => {
    const room = createRoom(CAPACITY, [needs(1, 1, 1)]);
    expect(room.admit(needs(2, 1, 1))).toBe(false);
    expect(room.admit(needs(3))).toBe(false);
    expect(room.admit(needs(1))).toBe(true);
  });
});

const anyNeeds = fc.record({
  cpu: fc.integer({ min: 1, max: 6 }),
  memoryBytes: fc.integer({ min: 1, max: 8 }),
  gpu: fc.integer({ min: 0, max: 1 }),
});

it("never holds more than there is, whoever comes in whatever order", () => {
  const comes = fc.record({ needs: anyNeeds, runs: fc.boolean() });
  fc.assert(
    fc.property(fc.array(comes, { maxLength: 20 }), (all) => {
      // What runs came by the same rule.
      const running = all.filter(({ runs }) => runs).slice(0, 1);
      const room = createRoom(
        CAPACITY,
        running.map((one) => one.needs),
      );
      const held = running.map((one) => one.needs);
      for (const one of all)
        if (running.includes(one)) room.pass(one.needs);
        else if (room.admit(one.needs)) held.push(one.needs);
      const sum = (of: keyof typeof CAPACITY) =>
        held.reduce((total, one) => total + one[of], 0);
      if (held.length > 1) expect(sum("cpu")).toBeLessThanOrEqual(CAPACITY.cpu);
      expect(sum("memoryBytes")).toBeLessThanOrEqual(CAPACITY.memoryBytes);
      expect(sum("gpu")).toBeLessThanOrEqual(CAPACITY.gpu);
    }),
  );
});

it("every ready task starts when all have ended that ran when it was the first in order, whatever comes and goes behind it (N1)", () => {
  fc.assert(
    fc.property(
      fc.array(anyNeeds, { maxLength: 6 }),
      anyNeeds,
      fc.infiniteStream(anyNeeds),
      fc.infiniteStream(fc.nat()),
      (wanted, first, newcomers, draws) => {
        const early = admitted(wanted);
        const late: Resources[] = [];
        for (;;) {
          const room = createRoom(CAPACITY, [...early, ...late]);
          if (room.admit(first)) return;
          expect(early).not.toEqual([]);
          for (let i = 0; i < 8; i++) {
            const { value } = newcomers.next();
            if (value && room.admit(value)) late.push(value);
          }
          // One of all ends: newcomers much more often than not.
          const draw = draws.next().value ?? 0;
          const from = late.length > 0 && draw % 4 > 0 ? late : early;
          from.splice(draw % from.length, 1);
        }
      },
    ),
  );
});

/** Those of `wanted` that a room holds at once. */
function admitted(wanted: readonly Resources[]): Resources[] {
  const room = createRoom(CAPACITY, []);
  return wanted.filter((one) => room.admit(one));
}
