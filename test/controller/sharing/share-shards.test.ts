import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shareShards } from "../../../src/controller/sharing/share-shards.ts";

const names = ["ada", "bob", "cy", "dee", "eve"];

/** Each replica moves once a round, in order, until nothing moves. */
function settle(
  holders: (string | null)[],
  alive: readonly string[],
): readonly (string | null)[] {
  for (let round = 0; round < 10; round++) {
    let hasMoved = false;
    for (const me of alive) {
      const { take, giveBack } = shareShards({ me, alive, holders });
      for (const shard of giveBack) holders[shard] = null;
      for (const shard of take) holders[shard] = me;
      hasMoved ||= take.length + giveBack.length > 0;
    }
    if (!hasMoved) return holders;
  }
  throw new Error("replicas do not come to rest");
}

describe("shareShards", () => {
  it("ends with every shard held by somebody alive, in shares that differ by one at most", () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.constantFrom(...names)), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.subarray(names, { minLength: 1 }),
        (before, alive) => {
          const after = settle([...before], alive);
          const shares = alive.map(
            (name) => after.filter((holder) => holder === name).length,
          );
          expect(after.every((one) => one && alive.includes(one))).toBe(true);
          expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(2);
        },
      ),
    );
  });

  it("gives nothing back that it keeps, and takes nothing from the living", () => {
    const holders = ["ada", "ada", "ada", "bob", null];
    const ada = shareShards({ me: "ada", alive: ["ada", "bob"], holders });
    expect(ada).toEqual({ take: [], giveBack: [] });
    const bob = shareShards({ me: "bob", alive: ["ada", "bob"], holders });
    expect(bob).toEqual({ take: [4], giveBack: [] });
  });
});
