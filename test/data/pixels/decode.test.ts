import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import {
  decodeImage,
  DecodeError,
  encodePng,
} from "../../../src/data/pixels/decode.ts";
import type { Image } from "../../../src/data/pixels/image.ts";
import { encodePpm } from "../../../src/data/shards/ppm.ts";
import { readPhotographs, toSharp } from "../../support/photographs.ts";

let photo: Image;
beforeAll(async () => {
  [photo] = (await readPhotographs(1)) as [Image];
});

const bytes = (image: Image) => Buffer.from(image.pixels);

describe("decoding", () => {
  it("gives back the pixels of PNG and PPM exactly", async () => {
    for (const file of [encodePpm(photo), await encodePng(photo)]) {
      const image = await decodeImage(file);
      expect(bytes(image).equals(photo.pixels)).toBe(true);
    }
  });

  it("makes three channels of gray, palette, alpha, 16-bit and four-ink images", async () => {
    const files = await Promise.all([
      toSharp(photo).toColourspace("b-w").jpeg().toBuffer(),
      toSharp(photo).png({ palette: true }).toBuffer(),
      toSharp(photo).ensureAlpha(0.5).png().toBuffer(),
      toSharp(photo).toColourspace("rgb16").png().toBuffer(),
      toSharp(photo).toColourspace("cmyk").jpeg().toBuffer(),
    ]);
    for (const file of files) {
      const image = await decodeImage(file);
      expect(image).toMatchObject({ width: 32, height: 32 });
      expect(image.pixels.length).toBe(32 * 32 * 3);
      expect(meanDistance(image, photo)).toBeLessThan(40);
    }
  });

  it("drops alpha without blending, so colours below it stay what they are", async () => {
    const file = await toSharp(photo).ensureAlpha(0.1).png().toBuffer();
    expect(bytes(await decodeImage(file)).equals(photo.pixels)).toBe(true);
  });

  it("takes pixels as stored: neither EXIF rotation nor a colour profile is applied", async () => {
    const half = {
      width: 32,
      height: 16,
      pixels: photo.pixels.subarray(0, 32 * 16 * 3),
    };
    const plain = await toSharp(half).jpeg().toBuffer();
    const marked = await sharp(plain)
      .withMetadata({ orientation: 6 })
      .withIccProfile("p3", { attach: true })
      .jpeg({ quality: 100 })
      .toBuffer();
    const bare = await sharp(marked, { ignoreIcc: true }).raw().toBuffer();
    const image = await decodeImage(marked);
    expect(image).toMatchObject({ width: 32, height: 16 });
    expect(bytes(image).equals(bare)).toBe(true);
  });

  it("refuses files that are cut off, whatever is missing", async () => {
    const jpeg = await toSharp(photo).jpeg().toBuffer();
    const png = await toSharp(photo).png().toBuffer();
    for (const file of [jpeg, png])
      for (const share of [0, 0.3, 0.6, 0.95]) {
        const cut = file.subarray(0, Math.floor(file.length * share));
        await expect(decodeImage(cut)).rejects.toThrow(DecodeError);
      }
  });
});

function meanDistance(a: Image, b: Image): number {
  let sum = 0;
  for (const [i, value] of a.pixels.entries())
    sum += Math.abs(value - (b.pixels[i] as number));
  return sum / a.pixels.length;
}
