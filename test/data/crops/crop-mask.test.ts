import { describe, expect, it } from "vitest";
import { createCropKernel } from "../../../src/data/crops/crop-kernel.ts";
import { cropMask } from "../../../src/data/crops/crop-mask.ts";
import { placeCrop } from "../../../src/data/crops/place-crop.ts";
import type { Crop } from "../../../src/data/loader/loader.ts";

const SIDE = 60;
const crop: Crop = {
  side: SIDE,
  scale: { kind: "factor", min: 0.5, max: 2 },
  place: "random",
  mirror: true,
};

/** Class 1 left of a slanted line, class 2 right of it. */
const [WIDTH, HEIGHT] = [70, 50];
const classes = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
  const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
  return x + y / 2 < 45 ? 1 : 2;
});

describe("the square of a mask", () => {
  it("covers the same pixels as the image's square: an image painted by class agrees with it but at class borders", () => {
    const kernel = createCropKernel();
    for (let sample = 0; sample < 40; sample++) {
      const size = { width: WIDTH, height: HEIGHT };
      const placement = placeCrop(crop, size, { seed: 1, epoch: 0, sample });
      const image = kernel.image(size, SIDE);
      for (const [i, value] of classes.entries())
        image.fill(value * 100, i * 3, i * 3 + 3);
      const pixels = kernel.crop(placement);
      const square = new Uint8Array(SIDE * SIDE);
      cropMask({ ...size, values: classes }, placement, SIDE, square);
      let mixed = 0;
      for (const [i, value] of square.entries()) {
        const level = pixels[i * 3] as number;
        if (level === 100 || level === 200) expect(value).toBe(level / 100);
        else if (level === 114 && value === 255) continue;
        else mixed++;
      }
      expect(mixed).toBeLessThan(5 * SIDE);
    }
  });

  it("has no class where the image is padded", () => {
    const placement = placeCrop(
      { side: 8, scale: { kind: "none" }, place: "centre", mirror: false },
      { width: 2, height: 8 },
      { seed: 0, epoch: 0, sample: 0 },
    );
    const square = new Uint8Array(64);
    const mask = { width: 2, height: 8, values: new Uint8Array(16).fill(7) };
    cropMask(mask, placement, 8, square);
    expect([...square.subarray(0, 8)]).toEqual([
      255, 255, 255, 7, 7, 255, 255, 255,
    ]);
  });
});
