import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { toHueChroma } from "../../../src/data/pixels/color.ts";
import {
  decodeHistograms,
  lightnessWeight,
  toHistograms,
} from "../../../src/data/pixels/histograms.ts";
import type { Image } from "../../../src/data/pixels/image.ts";
import { readPhotographs } from "../../support/photographs.ts";

let photos: Image[];
beforeAll(async () => {
  photos = await readPhotographs(3);
});

/** The definition of paper 1.3, one pixel after the other. */
function votesByDefinition(
  image: Image,
  place: { y: number; x: number },
  { bins, window }: { bins: number; window: number },
) {
  const { hue, chroma } = toHueChroma(image.pixels);
  const histograms = [0, 1].map(() => Array.from({ length: bins }, () => 0));
  let inside = 0;
  for (let dy = 0; dy < window; dy++)
    for (let dx = 0; dx < window; dx++) {
      const y = place.y + dy - (window - 1) / 2;
      const x = place.x + dx - (window - 1) / 2;
      if (y < 0 || x < 0 || y >= image.height || x >= image.width) continue;
      inside++;
      for (const [which, values] of [hue, chroma].entries()) {
        const value = values[y * image.width + x] as number;
        const bin = Math.min(bins - 1, Math.floor(value * bins + 1e-6));
        const histogram = histograms[which] as number[];
        histogram[bin] = (histogram[bin] as number) + 1;
      }
    }
  return histograms.map((histogram) => histogram.map((n) => n / inside));
}

describe("histograms of a window", () => {
  it("equal the definition at every place of a photograph, its corners included", () => {
    const coordinate = fc.integer({ min: 0, max: 31 });
    const window = fc.constantFrom(1, 3, 7, 31);
    fc.assert(
      fc.property(
        fc.nat(2),
        coordinate,
        coordinate,
        window,
        fc.constantFrom(5, 16, 32),
        (photo, y, x, side, bins) => {
          const image = photos[photo] as Image;
          const shape = { bins, window: side };
          const places = { ys: Int32Array.of(y), xs: Int32Array.of(x) };
          const got = toHistograms(image, places, shape);
          const [hue, chroma] = votesByDefinition(image, { y, x }, shape);
          for (let bin = 0; bin < bins; bin++) {
            expect(got.hue[bin]).toBe(Math.fround(hue?.[bin] as number));
            expect(got.chroma[bin]).toBe(Math.fround(chroma?.[bin] as number));
          }
        },
      ),
    );
  });

  it("are one-hot for an image of one colour, also where the window leaves the image", () => {
    const pixels = new Uint8Array(5 * 5 * 3).map(
      (_, i) => [0, 255, 255][i % 3] as number,
    );
    const got = toHistograms(
      { width: 5, height: 5, pixels },
      { ys: Int32Array.of(2, 0), xs: Int32Array.of(2, 4) },
      { bins: 32, window: 7 },
    );
    for (const row of [0, 1]) {
      expect(got.hue[row * 32 + 16]).toBeCloseTo(1, 6);
      expect(got.chroma[row * 32 + 31]).toBeCloseTo(1, 6);
    }
    expect(got.hue.reduce((sum, p) => sum + p, 0)).toBeCloseTo(2, 5);
  });
});

describe("the lightness weight", () => {
  it("is zero at black and white, one in the middle third and linear between", () => {
    const got = [0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 1].map(lightnessWeight);
    const want = [0, 0.5, 1, 1, 1, 0.5, 0];
    for (const [i, value] of want.entries())
      expect(got[i]).toBeCloseTo(value, 9);
  });
});

describe("a colour from predicted histograms", () => {
  const oneHot = (bins: number, bin: number) =>
    Float32Array.from({ length: bins }, (_, i) => (i === bin ? 1 : 0));

  it("is the centre of the bin when the prediction is certain", () => {
    for (let bin = 0; bin < 32; bin++) {
      const got = decodeHistograms({
        hue: oneHot(32, bin),
        chroma: oneHot(32, bin),
        bins: 32,
      });
      expect(got.hue[0]).toBeCloseTo((bin + 0.5) / 32, 6);
      expect(got.chroma[0]).toBeCloseTo((bin + 0.5) / 32, 6);
    }
  });

  it("has the median bin as chroma, not the mean", () => {
    const chroma = Float32Array.of(0.3, 0.25, 0, 0.45);
    const got = decodeHistograms({ hue: oneHot(4, 0), chroma, bins: 4 });
    expect(got.chroma[0]).toBeCloseTo(1.5 / 4, 6);
  });

  it("means hue around the circle: the mean of the first and the last bin is red, not cyan", () => {
    const hue = new Float32Array(32);
    hue[0] = 0.5;
    hue[31] = 0.5;
    const got = decodeHistograms({ hue, chroma: oneHot(32, 3), bins: 32 });
    const turns = got.hue[0] as number;
    expect(Math.min(turns, 1 - turns)).toBeLessThan(1e-6);
  });

  it("fades where hue is undecided: a uniform hue gives gray", () => {
    const hue = new Float32Array(32).fill(1 / 32);
    const got = decodeHistograms({ hue, chroma: oneHot(32, 31), bins: 32 });
    expect(got.chroma[0]).toBeLessThan(1e-6);
  });
});
