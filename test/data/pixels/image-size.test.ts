import { beforeAll, describe, expect, it } from "vitest";
import { meanChromaOf, type Image } from "../../../src/data/pixels/image.ts";
import { commonSize } from "../../../src/data/pixels/image-size.ts";
import { toHueChroma } from "../../../src/data/pixels/color.ts";
import { readPhotographs } from "../../support/photographs.ts";

let photos: Image[];
beforeAll(async () => {
  photos = await readPhotographs(3);
});

const toDataset = (images: readonly Image[]) => ({
  size: images.length,
  image: (i: number) => images[i] as Image,
  sampleName: (i: number) => `0000000${i}`,
});

describe("the common size of images", () => {
  it("is that of all of them", () => {
    expect(commonSize(toDataset(photos))).toEqual({ width: 32, height: 32 });
  });

  it("does not exist when one differs, which is named; unless that one is not asked for", () => {
    const pixels = new Uint8Array(30 * 32 * 3);
    const odd = toDataset([...photos, { width: 32, height: 30, pixels }]);
    expect(() => commonSize(odd)).toThrow(
      "sample 00000003 is 32 × 30 pixels, the first is 32 × 32",
    );
    expect(commonSize(odd, [0, 1, 2])).toEqual({ width: 32, height: 32 });
  });
});

describe("the mean chroma of an image", () => {
  it("is the mean of its pixels' chroma", () => {
    for (const photo of photos) {
      const { chroma } = toHueChroma(photo.pixels);
      const sum = chroma.reduce((total, value) => total + value, 0);
      expect(meanChromaOf(photo)).toBeCloseTo(sum / chroma.length, 6);
    }
  });
});
