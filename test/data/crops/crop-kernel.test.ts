import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCropKernel } from "../../../src/data/crops/crop-kernel.ts";
import type { Placement } from "../../../src/data/crops/place-crop.ts";
import { placeCrop } from "../../../src/data/crops/place-crop.ts";
import type { Image } from "../../../src/data/pixels/image.ts";
import { cropByOracle } from "../../support/crop-oracle.ts";
import { readPhotographs } from "../../support/photographs.ts";

/** Bytes that follow from the seed, and are as rough as bytes can be. */
function noise(width: number, height: number, seed: number): Image {
  const pixels = new Uint8Array(width * height * 3);
  let state = seed | 1;
  for (let i = 0; i < pixels.length; i++) {
    state = Math.imul(state, 1664525) + 1013904223;
    pixels[i] = state >>> 24;
  }
  return { width, height, pixels };
}

const kernel = createCropKernel();

function cropByKernel(
  image: Image,
  placement: Placement,
  side: number,
): Uint8Array {
  kernel.image(image, side).set(image.pixels);
  return Uint8Array.from(kernel.crop(placement));
}

/** Part of an axis, by fractions, in [0, length]. */
function part(length: number, a: number, b: number) {
  const start = Math.min(a, b) * length;
  return { start, length: Math.max(1e-3, Math.abs(a - b) * length) };
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const cases = fc.record({
  width: fc.integer({ min: 1, max: 90 }),
  height: fc.integer({ min: 1, max: 90 }),
  side: fc.integer({ min: 1, max: 40 }),
  seed: fc.nat(),
  x: fc.tuple(fraction, fraction),
  y: fc.tuple(fraction, fraction),
  target: fc.tuple(fraction, fraction, fraction, fraction),
  mirror: fc.boolean(),
});

describe("the crop kernel", () => {
  it("gives the bytes of the plain definition for any rectangle of any image, mirrored, padded, halved", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { width, height, side, mirror } = given;
        const image = noise(width, height, given.seed);
        const x = part(width, ...given.x);
        const y = part(height, ...given.y);
        const [a, b, c, d] = given.target;
        const left = Math.floor(a * (side - 1));
        const top = Math.floor(b * (side - 1));
        const placement: Placement = {
          source: {
            left: x.start,
            top: y.start,
            width: x.length,
            height: y.length,
          },
          target: {
            left,
            top,
            width: 1 + Math.floor(c * (side - left - 1)),
            height: 1 + Math.floor(d * (side - top - 1)),
          },
          mirror,
        };
        expect(cropByKernel(image, placement, side)).toEqual(
          cropByOracle(image, placement, side),
        );
      }),
      { numRuns: 400 },
    );
  });

  it("returns an image of the square's size as it is", async () => {
    const [photo] = await readPhotographs(1);
    const { width, height, pixels } = photo as Image;
    const whole = { left: 0, top: 0, width, height };
    const same = cropByKernel(
      photo as Image,
      { source: whole, target: whole, mirror: false },
      width,
    );
    expect(Buffer.from(same).equals(pixels)).toBe(true);
  });

  it("is within one level of exact bilinear interpolation", () => {
    const image = noise(50, 40, 5);
    const placement = placeCrop(
      {
        side: 32,
        scale: { kind: "none" },
        place: "random",
        mirror: false,
      },
      image,
      { seed: 1, epoch: 0, sample: 0 },
    );
    const source = { ...placement.source, left: 3.3, top: 2.7 };
    const square = cropByKernel(image, { ...placement, source }, 32);
    let worst = 0;
    for (let y = 0; y < 32; y++)
      for (let x = 0; x < 32; x++) {
        const exact = (c: number): number => {
          const at = (dx: number, dy: number): number =>
            image.pixels[((y + 2 + dy) * 50 + x + 3 + dx) * 3 + c] as number;
          const upper = at(0, 0) * 0.7 + at(1, 0) * 0.3;
          const lower = at(0, 1) * 0.7 + at(1, 1) * 0.3;
          return upper * 0.3 + lower * 0.7;
        };
        for (let c = 0; c < 3; c++) {
          const found = square[(y * 32 + x) * 3 + c] as number;
          worst = Math.max(worst, Math.abs(found - exact(c)));
        }
      }
    expect(worst).toBeLessThanOrEqual(1);
  });

  it("refuses an image that would take more memory than it may hold", () => {
    expect(() => kernel.image({ width: 65_535, height: 65_535 }, 8)).toThrow(
      /65535 × 65535 pixels is too large/,
    );
  });
});
