import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeCrop } from "../../../src/data/crops/place-crop.ts";
import type { Crop } from "../../../src/data/loader/loader.ts";

const pretraining: Crop = {
  side: 352,
  scale: { kind: "shorter-side", min: 352, max: 599 },
  place: "random",
  mirror: true,
};
const photo = { width: 500, height: 375 };
const at = (sample: number) => ({ seed: 7, epoch: 3, sample });
const many = Array.from({ length: 2000 }, (_, sample) => at(sample));

const size = fc.record({
  width: fc.integer({ min: 1, max: 3000 }),
  height: fc.integer({ min: 1, max: 3000 }),
});
const scale = fc.oneof(
  fc.constant({ kind: "none" } as const),
  fc.constant({ kind: "shorter-side", min: 20, max: 90 } as const),
  fc.constant({ kind: "factor", min: 0.5, max: 2 } as const),
  fc.constant({ kind: "area", min: 0.08, max: 1, ratio: 4 / 3 } as const),
);
const crop = fc.record({
  side: fc.integer({ min: 1, max: 64 }),
  scale,
  place: fc.constantFrom("random", "centre"),
  mirror: fc.boolean(),
}) as fc.Arbitrary<Crop>;

describe("the place of a crop", () => {
  it("lies inside the image and inside the square, whatever the image's size", () => {
    fc.assert(
      fc.property(crop, size, fc.nat(), (given, image, sample) => {
        const { source, target } = placeCrop(given, image, at(sample));
        expect(source.left).toBeGreaterThanOrEqual(0);
        expect(source.top).toBeGreaterThanOrEqual(0);
        expect(source.left + source.width).toBeLessThanOrEqual(
          image.width + 1e-6,
        );
        expect(source.top + source.height).toBeLessThanOrEqual(
          image.height + 1e-6,
        );
        expect(source.width * source.height).toBeGreaterThan(0);
        for (const [start, length] of [
          [target.left, target.width],
          [target.top, target.height],
        ] as const) {
          expect(Number.isInteger(start) && Number.isInteger(length)).toBe(
            true,
          );
          expect(start).toBeGreaterThanOrEqual(0);
          expect(length).toBeGreaterThanOrEqual(1);
          expect(start + length).toBeLessThanOrEqual(given.side);
        }
      }),
    );
  });

  it("scales the shorter side to every length of the range, both ends included", () => {
    const narrow: Crop = {
      ...pretraining,
      side: 30,
      scale: { kind: "shorter-side", min: 30, max: 33 },
    };
    const lengths = many.map(
      (sample) => (30 / placeCrop(narrow, photo, sample).source.height) * 375,
    );
    const found = new Set(lengths.map(Math.round));
    expect([...found].toSorted((a, b) => a - b)).toEqual([30, 31, 32, 33]);
  });

  it("takes the square from everywhere in the scaled image, and all of its height where that is as long as the square", () => {
    const tight: Crop = {
      ...pretraining,
      scale: { kind: "shorter-side", min: 352, max: 352 },
    };
    const places = many.map((sample) => placeCrop(tight, photo, sample));
    const scaledWidth = Math.round((500 * 352) / 375);
    const lefts = new Set(
      places.map(({ source }) => Math.round((source.left * scaledWidth) / 500)),
    );
    expect(Math.min(...lefts)).toBe(0);
    expect(Math.max(...lefts)).toBe(scaledWidth - 352);
    expect(lefts.size).toBe(scaledWidth - 352 + 1);
    expect(
      places.every(({ source }) => source.top === 0 && source.height === 375),
    ).toBe(true);
  });

  it("puts an image that is smaller into the middle of the square", () => {
    const { source, target } = placeCrop(
      { side: 100, scale: { kind: "none" }, place: "random", mirror: false },
      { width: 41, height: 200 },
      at(5),
    );
    expect(target).toEqual({ left: 29, top: 0, width: 41, height: 100 });
    expect(source).toMatchObject({ left: 0, width: 41, height: 100 });
  });

  it("takes the centre when told to, without a draw", () => {
    const centred: Crop = {
      side: 100,
      scale: { kind: "shorter-side", min: 100, max: 100 },
      place: "centre",
      mirror: false,
    };
    const image = { width: 300, height: 200 };
    for (const sample of many.slice(0, 5))
      expect(placeCrop(centred, image, sample).source).toEqual({
        left: 50,
        top: 0,
        width: 200,
        height: 200,
      });
  });

  it("draws areas and aspects within their ranges", () => {
    const places = many.map((sample) =>
      placeCrop(
        {
          side: 64,
          scale: { kind: "area", min: 0.35, max: 0.6, ratio: 4 / 3 },
          place: "random",
          mirror: false,
        },
        photo,
        sample,
      ),
    );
    for (const { source } of places) {
      const share = (source.width * source.height) / (500 * 375);
      expect(share).toBeGreaterThan(0.345);
      expect(share).toBeLessThan(0.605);
      const aspect = source.width / source.height;
      expect(aspect).toBeGreaterThan(3 / 4 - 0.01);
      expect(aspect).toBeLessThan(4 / 3 + 0.01);
    }
  });

  it("differs between epochs, samples and seeds, and is the same when asked again", () => {
    const place = (seed: number, epoch: number, sample: number) =>
      JSON.stringify(placeCrop(pretraining, photo, { seed, epoch, sample }));
    const first = place(1, 0, 0);
    expect(place(1, 0, 0)).toBe(first);
    expect(place(2, 0, 0)).not.toBe(first);
    expect(place(1, 1, 0)).not.toBe(first);
    expect(place(1, 0, 1)).not.toBe(first);
  });

  it("mirrors half of the samples", () => {
    const mirrored = many.filter(
      (sample) => placeCrop(pretraining, photo, sample).mirror,
    );
    expect(Math.abs(mirrored.length / many.length - 0.5)).toBeLessThan(0.04);
  });
});
