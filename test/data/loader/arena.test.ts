import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createArena } from "../../../src/data/loader/arena.ts";

const SIZE = 100;
const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("take" as const),
      length: fc.integer({ min: 1, max: 60 }),
    }),
    fc.record({ kind: fc.constant("free" as const), pick: fc.nat() }),
    fc.record({ kind: fc.constant("compact" as const) }),
  ),
  { maxLength: 60 },
);

describe("an arena", () => {
  it("never gives a byte twice, keeps what is written through every move, and finds room for whatever fits once compact", () => {
    fc.assert(
      fc.property(steps, (given) => {
        const arena = createArena(SIZE);
        const bytes = new Uint8Array(SIZE);
        const owners = new Map<number, { start: number; length: number }>();
        const compact = (): void => {
          arena.compact(({ owner, from, to, length }) => {
            bytes.copyWithin(to, from, from + length);
            owners.set(owner, { start: to, length });
          });
        };
        let next = 1;
        for (const step of given) {
          if (step.kind === "compact") compact();
          if (step.kind === "free") {
            const all = [...owners.keys()];
            const owner = all[step.pick % Math.max(1, all.length)];
            if (owner === undefined) continue;
            arena.free(owner);
            owners.delete(owner);
          }
          if (step.kind === "take") {
            const { length } = step;
            const owner = next++;
            let start = arena.take(owner, length);
            const used = [...owners.values()].reduce((n, p) => n + p.length, 0);
            if (start === null && used + length <= SIZE) {
              compact();
              start = arena.take(owner, length);
              expect(start).not.toBeNull();
            }
            if (start === null) continue;
            expect(start + length).toBeLessThanOrEqual(SIZE);
            bytes.fill(owner, start, start + length);
            owners.set(owner, { start, length });
          }
          for (const [owner, { start, length }] of owners)
            expect(
              bytes.subarray(start, start + length).every((b) => b === owner),
            ).toBe(true);
        }
        const used = [...owners.values()].reduce((n, p) => n + p.length, 0);
        expect(arena.usedBytes).toBe(used);
      }),
    );
  });
});
