import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import {
  createSampleCropper,
  DECODER,
} from "../../../src/data/crops/crop-sample.ts";
import { placeCrop } from "../../../src/data/crops/place-crop.ts";
import { DecodeError } from "../../../src/data/pixels/decode.ts";
import type { Image } from "../../../src/data/pixels/image.ts";
import { readImageHeader } from "../../../src/data/shards/image-header.ts";
import { SampleClass } from "../../../src/data/shards/shard-index.ts";
import { encodePpm } from "../../../src/data/shards/ppm.ts";
import { readPhotographs, toSharp } from "../../support/photographs.ts";

let photo: Image;
beforeAll(async () => {
  photo = (await readPhotographs(1))[0] as Image;
});

/** The whole image, as the cropper gives it. */
async function cropWhole(
  file: Buffer,
  sampleClass?: SampleClass,
): Promise<Uint8Array> {
  const header = readImageHeader(file);
  if ("reason" in header) throw new Error(header.reason);
  const image = { ...header, ...(sampleClass && { sampleClass }) };
  const placement = placeCrop(
    { side: 32, scale: { kind: "none" }, place: "centre", mirror: false },
    header,
    { seed: 0, epoch: 0, sample: 0 },
  );
  const cropper = createSampleCropper();
  return Uint8Array.from(
    await cropper.crop(file, image, { placement, side: 32 }),
  );
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (const [i, value] of a.entries()) sum += Math.abs(value - (b[i] ?? 0));
  return sum / a.length;
}

describe("a cropped sample", () => {
  it("has the very pixels of a PPM and of a PNG", async () => {
    const ppm = await cropWhole(Buffer.from(encodePpm(photo)));
    const png = await cropWhole(await toSharp(photo).png().toBuffer());
    expect(Buffer.from(ppm).equals(photo.pixels)).toBe(true);
    expect(Buffer.from(png).equals(photo.pixels)).toBe(true);
  });

  it("has about the pixels that another library finds in a colour, a gray, a progressive and a CMYK JPEG", async () => {
    const kinds = {
      color: toSharp(photo).jpeg(),
      progressive: toSharp(photo).jpeg({ progressive: true }),
      gray: toSharp(photo).toColourspace("b-w").jpeg(),
      cmyk: toSharp(photo).toColourspace("cmyk").jpeg(),
    };
    for (const [kind, encoder] of Object.entries(kinds)) {
      const file = await encoder.toBuffer();
      const want = await sharp(file).toColourspace("srgb").raw().toBuffer();
      const found = await cropWhole(file);
      expect(found.length, kind).toBe(want.length);
      expect(meanDifference(found, want), kind).toBeLessThan(2);
    }
  });

  it("keeps the upper part of a JPEG that is cut off, if its index marks it for the lenient decoder", async () => {
    const file = await toSharp(photo).jpeg({ quality: 95 }).toBuffer();
    const whole = await cropWhole(file);
    const cut = await cropWhole(
      file.subarray(0, file.length * 0.8),
      SampleClass.jpegLenient,
    );
    expect(
      meanDifference(
        cut.subarray(0, 32 * 3 * 8),
        whole.subarray(0, 32 * 3 * 8),
      ),
    ).toBeLessThan(2);
  });

  it("is refused, with both decoders named, if its index marks it as plain and the fast decoder does not read it", async () => {
    const file = await toSharp(photo).jpeg({ quality: 95 }).toBuffer();
    const crop = cropWhole(file.subarray(0, file.length * 0.8));
    await expect(crop).rejects.toThrow(DecodeError);
    await expect(crop).rejects.toThrow(
      /^is refused by libjpeg-turbo [\d.]+, which its index names.*; sharp [\d.]+ decodes only/,
    );
  });

  it("is refused with the reason if its file is no image of the size that its index says", async () => {
    const file = await toSharp(photo).jpeg().toBuffer();
    const cropper = createSampleCropper();
    const placement = placeCrop(
      { side: 8, scale: { kind: "none" }, place: "centre", mirror: false },
      { width: 40, height: 32 },
      { seed: 0, epoch: 0, sample: 0 },
    );
    const image = { width: 40, height: 32, sampleClass: 1 } as const;
    const crop = cropper.crop(file, image, { placement, side: 8 });
    await expect(crop).rejects.toThrow(DecodeError);
    await expect(crop).rejects.toThrow(
      /32 × 32 pixels, its index says 40 × 32/,
    );
  });

  it("names the decoders that the installed libraries bring", () => {
    const require = createRequire(import.meta.url);
    const folder = path.dirname(require.resolve("@julusian/jpeg-turbo"));
    const build = readFileSync(path.join(folder, "CMakeLists.txt"), "utf8");
    const version = /libjpeg-turbo_version "([\d.]+)"/.exec(build)?.[1];
    expect(DECODER).toContain(`libjpeg-turbo ${version},`);
    expect(DECODER).toContain(`sharp ${sharp.versions.sharp},`);
  });
});
