import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chromaBin,
  chromaByte,
  fromHueChroma,
  hueBin,
  hueOf,
  toGray,
  toHueChroma,
} from "../../../src/data/pixels/color.ts";

const byte = fc.integer({ min: 0, max: 255 });
const pixel = fc.tuple(byte, byte, byte);

/** The paper's definition (1.2), written as it stands there: the oracle. */
function hueChromaByDefinition([R, G, B]: readonly number[]) {
  const [r, g, b] = [R as number, G as number, B as number].map((v) => v / 255);
  const rgb = [r, g, b] as [number, number, number];
  const M = Math.max(...rgb);
  const C = M - Math.min(...rgb);
  if (C === 0) return { hue: 0, chroma: 0 };
  const h =
    M === rgb[0]
      ? (rgb[1] - rgb[2]) / C
      : M === rgb[1]
        ? 2 + (rgb[2] - rgb[0]) / C
        : 4 + (rgb[0] - rgb[1]) / C;
  return { hue: (((h / 6) % 1) + 1) % 1, chroma: C };
}

/** What Python's colorsys does. */
function hsvToRgb(h: number, s: number, v: number): [number, number, number] {
  const i = Math.floor(h * 6);
  const f = h * 6 - i;
  const [p, q, t] = [v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))];
  const cases: [number, number, number][] = [
    [v, t, p],
    [q, v, p],
    [p, v, t],
    [p, q, v],
    [t, p, v],
    [v, p, q],
  ];
  return cases[i % 6] as [number, number, number];
}

describe("hue and chroma", () => {
  it.each([
    ["red", 255, 0, 0, 0],
    ["yellow", 255, 255, 0, 5],
    ["green", 0, 255, 0, 10],
    ["cyan", 0, 255, 255, 16],
    ["blue", 0, 0, 255, 21],
    ["magenta", 255, 0, 255, 26],
  ])("put pure %s into the published bins of 32", (_, r, g, b, wantBin) => {
    expect(hueBin(r, g, b, 32)).toBe(wantBin);
    expect(chromaBin(chromaByte(r, g, b), 32)).toBe(31);
  });

  it("are zero for every gray", () => {
    for (let v = 0; v < 256; v++) {
      expect(hueOf(v, v, v)).toBe(0);
      expect(hueBin(v, v, v, 32)).toBe(0);
      expect(chromaByte(v, v, v)).toBe(0);
    }
  });

  it("equal the paper's definition for any pixel", () => {
    fc.assert(
      fc.property(pixel, (rgb) => {
        const want = hueChromaByDefinition(rgb);
        const got = toHueChroma(Uint8Array.from(rgb));
        const distance = Math.abs((got.hue[0] as number) - want.hue);
        expect(Math.min(distance, 1 - distance)).toBeLessThan(1e-6);
        expect(got.chroma[0]).toBeCloseTo(want.chroma, 6);
      }),
      { numRuns: 2000 },
    );
  });

  it("fall into the bin that contains the hue, for any number of bins", () => {
    fc.assert(
      fc.property(pixel, fc.integer({ min: 2, max: 256 }), (rgb, bins) => {
        const bin = hueBin(...rgb, bins);
        expect(bin).toBeGreaterThanOrEqual(0);
        expect(bin).toBeLessThan(bins);
        const inBins = hueOf(...rgb) * bins;
        expect(inBins).toBeGreaterThan(bin - 1e-9);
        expect(inBins).toBeLessThan(bin + 1 + 1e-9);
      }),
      { numRuns: 2000 },
    );
  });

  it("put a hue that lies exactly on an edge into the upper bin", () => {
    // h = 0.5 sixths: 1/12 of a turn, an edge for K = 12 that floating point misses from below.
    expect(hueBin(200, 150, 100, 12)).toBe(1);
    expect(chromaBin(51, 5)).toBe(1);
    expect(chromaBin(50, 5)).toBe(0);
  });

  it("come back to the same pixel within a rounding step", () => {
    fc.assert(
      fc.property(pixel, (rgb) => {
        const pixels = Uint8Array.from(rgb);
        const sum = rgb[0] + rgb[1] + rgb[2];
        const back = fromHueChroma({
          ...toHueChroma(pixels),
          gray: Float32Array.of(sum / 765),
        });
        for (let c = 0; c < 3; c++)
          expect(
            Math.abs((back[c] as number) - (pixels[c] as number)),
          ).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2000 },
    );
  });

  it("become the picture of the paper's formulas: HSV with V = g + C/2, then the mean corrected", () => {
    const unit = fc.double({ min: 0, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, (hue, chroma, gray) => {
        const V = gray + chroma / 2;
        const rgb = hsvToRgb(hue, V === 0 ? 0 : chroma / V, V);
        const lift = gray - (rgb[0] + rgb[1] + rgb[2]) / 3;
        const got = fromHueChroma({
          hue: Float32Array.of(hue),
          chroma: Float32Array.of(chroma),
          gray: Float32Array.of(gray),
        });
        for (let c = 0; c < 3; c++) {
          const want = Math.max(0, Math.min(1, (rgb[c] as number) + lift));
          expect(Math.abs((got[c] as number) - want * 255)).toBeLessThan(0.51);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("gray", () => {
  it("is the plain mean minus 0.4488, so black, white and primaries are known", () => {
    const gray = toGray(
      Uint8Array.from([0, 0, 0, 255, 255, 255, 255, 0, 0, 10, 20, 30]),
    );
    const want = [-0.4488, 1 - 0.4488, 1 / 3 - 0.4488, 20 / 255 - 0.4488];
    for (const [i, value] of want.entries())
      expect(gray[i]).toBeCloseTo(value, 6);
  });
});
