import { describe, expect, it } from "vitest";
import { createTrainingOrder } from "../../../src/data/order/create-training-order.ts";
import { sharePositions } from "../../../src/data/order/share.ts";
import { createTestTable } from "../../support/sample-tables.ts";

const table = createTestTable({ shards: [100], bytesOf: () => 5000 });
const streams = createTrainingOrder({ table, seed: 0, fullShuffleBytes: 0 });
const full = createTrainingOrder({ table, seed: 0 });

describe("the share of a rank", () => {
  it("is every R-th position of the batch", () => {
    const share = { rank: 1, ranks: 4 };
    expect(sharePositions(streams, share, { batch: 12, step: 3 })).toEqual([
      37, 41, 45,
    ]);
  });

  it.each([
    ["a batch that the ranks do not divide", full, { rank: 0, ranks: 3 }, 10],
    ["streams that the ranks do not divide", streams, { rank: 0, ranks: 3 }, 9],
    ["a rank that is not one of the ranks", full, { rank: 2, ranks: 2 }, 4],
    ["a negative rank", full, { rank: -1, ranks: 2 }, 4],
    ["no ranks at all", full, { rank: 0, ranks: 0 }, 4],
  ] as const)("is refused for %s", (_name, order, share, batch) => {
    const refused = expect.objectContaining({ code: "data.ranks" });
    expect(() => sharePositions(order, share, { batch, step: 0 })).toThrow(
      refused,
    );
  });

  it("is refused before the first block is asked for, not after", () => {
    expect(() => streams.blocksOf({ rank: 0, ranks: 3 }, 0)).toThrow(
      expect.objectContaining({ code: "data.ranks" }),
    );
  });

  it("may be any part of a batch of one shuffle: every rank has everything", () => {
    const share = { rank: 2, ranks: 3 };
    expect(sharePositions(full, share, { batch: 6, step: 1 })).toEqual([8, 11]);
  });
});
