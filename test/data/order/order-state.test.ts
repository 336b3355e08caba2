import { describe, expect, it } from "vitest";
import { createTrainingOrder } from "../../../src/data/order/create-training-order.ts";
import {
  checkOrderState,
  toOrderState,
} from "../../../src/data/order/order-state.ts";
import { createTestTable } from "../../support/sample-tables.ts";

const table = createTestTable({ shards: [50, 50], bytesOf: () => 5000 });
const identity = {
  datasetId: "ab".repeat(32),
  seed: 3,
  batch: 32,
  decoder: "jpeg-turbo 3.0.1",
};
const order = createTrainingOrder({ table, seed: 3 });
const state = toOrderState(order, identity, 1200);

describe("the state of an order", () => {
  it("comes back from JSON as the step to go on at", () => {
    const json = JSON.stringify(state);
    expect(json.length).toBeLessThan(300);
    const now = toOrderState(order, identity, 0);
    expect(checkOrderState(JSON.parse(json), now)).toBe(1200);
  });

  it.each([
    [
      "the dataset",
      { datasetId: "cd".repeat(32) },
      /dataset: abab.* then, cdcd/,
    ],
    [
      "the decoder",
      { decoder: "jpeg-turbo 4" },
      /decoder: jpeg-turbo 3.0.1 then, jpeg-turbo 4 now/,
    ],
    ["the seed", { seed: 4 }, /seed: 3 then, 4 now/],
    ["the batch", { batch: 64 }, /images a batch: 32 then, 64 now/],
  ])("does not go on when %s changed, and says so", (_name, change, want) => {
    const now = toOrderState(order, { ...identity, ...change }, 0);
    expect(() => checkOrderState(state, now)).toThrow(
      expect.objectContaining({
        code: "data.order-changed",
        message: expect.stringMatching(want),
      }),
    );
  });

  it("does not go on with other samples, even as many", () => {
    const samples = (left: number) =>
      Int32Array.from({ length: 99 }, (_, i) => (i < left ? i : i + 1));
    const stateOf = (left: number) =>
      toOrderState(
        createTrainingOrder({ table, seed: 3, samples: samples(left) }),
        identity,
        7,
      );
    expect(() => checkOrderState(stateOf(50), stateOf(51))).toThrow(
      /list of images/,
    );
  });

  it("does not go on with blocks or streams of another size", () => {
    const cut = { table, seed: 3, fullShuffleBytes: 0, streams: 4 };
    const stateOf = (options: { streams?: number; blockBytes?: number }) =>
      toOrderState(createTrainingOrder({ ...cut, ...options }), identity, 7);
    const now = stateOf({});
    expect(() => checkOrderState(stateOf({ streams: 2 }), now)).toThrow(
      /streams: 2 then, 4 now/,
    );
    expect(() => checkOrderState(stateOf({ blockBytes: 20_000 }), now)).toThrow(
      /blocks: \d+ then, 4 now/,
    );
  });

  it.each([
    [null],
    [{}],
    ["state"],
    [{ ...state, step: -1 }],
    [{ ...state, decoder: 1 }],
  ])("is refused as unreadable when it is %j", (saved) => {
    expect(() => checkOrderState(saved, state)).toThrow(
      expect.objectContaining({ code: "data.order-changed" }),
    );
  });
});
