import { describe, expect, it } from "vitest";
import { createMemoryPool } from "../../../src/data/loader/memory-pool.ts";

describe("a pool of shared memory", () => {
  it("gives what was given back to the next who asks, for as much and for less", () => {
    const pool = createMemoryPool();
    const first = pool.take(1000, 1000);
    pool.giveBack(first);
    const second = pool.take(600, 600);
    expect(second.buffer).toBe(first.buffer);
    expect(second.length).toBe(600);
    pool.giveBack(second);
    expect(pool.take(1000, 1000).buffer).toBe(first.buffer);
    expect(pool.heldBytes).toBe(1000);
  });

  it("gives fewer bytes than wanted, and not fewer than needed, instead of a second memory", () => {
    const pool = createMemoryPool();
    pool.giveBack(pool.take(800, 800));
    const smaller = pool.take(1000, 700);
    expect(smaller.length).toBe(800);
    pool.giveBack(smaller);
    expect(pool.take(1000, 900).length).toBe(1000);
    expect(pool.heldBytes).toBe(1000);
  });

  it("gives nobody what another one uses", () => {
    const pool = createMemoryPool();
    const memories = [pool.take(10, 10), pool.take(10, 10)];
    expect(new Set(memories.map(({ buffer }) => buffer)).size).toBe(2);
    expect(pool.heldBytes).toBe(20);
  });

  it("keeps the larger of two that nobody uses", () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const pool = createMemoryPool();
      const memories = [pool.take(300, 300), pool.take(500, 500)] as const;
      for (const i of order) pool.giveBack(memories[i] as Uint8Array);
      expect(pool.heldBytes).toBe(500);
      expect(pool.take(500, 500).buffer).toBe(memories[1].buffer);
    }
  });
});
