import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScale, spreadLabels } from "../../../src/report/html/scale.ts";

describe("createScale", () => {
  it("has round ticks that cover the values, with the digits they need", () => {
    const scale = createScale({
      values: [2.43, 3.98],
      from: 0,
      to: 100,
      count: 5,
    });
    expect(scale.ticks).toEqual([2, 2.5, 3, 3.5, 4]);
    expect(scale.digits).toBe(1);
    expect(scale.at(2)).toBe(0);
    expect(scale.at(4)).toBe(100);
    expect(scale.at(3)).toBe(50);
  });

  it("runs upwards where pixels run downwards", () => {
    const scale = createScale({ values: [0, 10], from: 200, to: 0, count: 5 });
    expect(scale.at(0)).toBe(200);
    expect(scale.at(10)).toBe(0);
  });

  it.each([[[]], [[0]], [[7]], [[-3, -3]], [[Number.NaN]]])(
    "has a length even for %j",
    (values) => {
      const { ticks, at } = createScale({ values, from: 0, to: 100, count: 5 });
      expect(ticks.length).toBeGreaterThan(1);
      expect(Number.isFinite(at(values[0] || 0))).toBe(true);
    },
  );

  it("keeps every value between its ends, with a readable number of ticks", () => {
    const numbers = fc.array(
      fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true }),
      { minLength: 1, maxLength: 9 },
    );
    fc.assert(
      fc.property(numbers, (values) => {
        const scale = createScale({ values, from: 10, to: 90, count: 5 });
        expect(scale.ticks.length).toBeLessThanOrEqual(8);
        for (const value of values) {
          expect(scale.at(value)).toBeGreaterThanOrEqual(10);
          expect(scale.at(value)).toBeLessThanOrEqual(90);
        }
      }),
    );
  });
});

describe("spreadLabels", () => {
  it("leaves labels alone that are far enough apart", () => {
    expect(spreadLabels([10, 50, 90], 15, [0, 100])).toEqual([10, 50, 90]);
  });

  it("moves close labels apart without changing their order", () => {
    expect(spreadLabels([50, 49, 51], 15, [0, 200])).toEqual([64, 49, 79]);
  });

  it("pushes labels back from the lower end", () => {
    expect(spreadLabels([98, 99], 15, [0, 100])).toEqual([85, 100]);
  });
});
