import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromGrayAb,
  labOf,
  labToRgb,
  toLab,
} from "../../../src/data/pixels/lab.ts";

const byte = fc.integer({ min: 0, max: 255 });

describe("Lab with the authors' constants", () => {
  it.each([
    ["red", [255, 0, 0], [53.24, 80.09, 67.2]],
    ["blue", [0, 0, 255], [32.3, 79.19, -107.86]],
    ["white", [255, 255, 255], [100, 0, 0]],
    ["black", [0, 0, 0], [0, 0, 0]],
  ])("gives the published values of %s", (_, rgb, want) => {
    const got = toLab(Uint8Array.from(rgb));
    for (const [i, value] of want.entries())
      expect(Math.abs((got[i] as number) - value)).toBeLessThan(0.02);
  });

  it("is undone by its inverse", () => {
    fc.assert(
      fc.property(byte, byte, byte, (r, g, b) => {
        const back = labToRgb(...labOf(r, g, b));
        for (const [i, value] of [r, g, b].entries())
          expect((back[i] as number) * 255).toBeCloseTo(value, 1);
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps the mean of a picture that is made from gray and ab, where nothing is clipped", () => {
    const pixels = fromGrayAb({
      gray: Float32Array.of(0.5),
      ab: Float32Array.of(10, -12),
    });
    const sum = pixels.reduce((total, value) => total + value, 0);
    expect(Math.abs(sum / 765 - 0.5)).toBeLessThan(0.004);
  });

  it("makes a gray picture from a = b = 0", () => {
    const pixels = fromGrayAb({
      gray: Float32Array.of(0.25, 0.75),
      ab: new Float32Array(4),
    });
    expect([...pixels]).toEqual([64, 64, 64, 191, 191, 191]);
  });
});
