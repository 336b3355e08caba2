import { beforeAll, describe, expect, it } from "vitest";
import type { Image } from "../../../src/data/pixels/image.ts";
import { readImageHeader } from "../../../src/data/shards/image-header.ts";
import { decodePpm, encodePpm } from "../../../src/data/shards/ppm.ts";
import { SampleClass } from "../../../src/data/shards/shard-index.ts";
import { readPhotographs, toSharp } from "../../support/photographs.ts";

let photo: Image;
beforeAll(async () => {
  [photo] = (await readPhotographs(1)) as [Image];
});

const encoders: Record<string, (image: Image) => Promise<Uint8Array>> = {
  ppm: async (image) => encodePpm(image),
  jpeg: (image) => toSharp(image).jpeg().toBuffer(),
  "progressive jpeg": (image) =>
    toSharp(image).jpeg({ progressive: true }).toBuffer(),
  "gray jpeg": (image) => toSharp(image).toColourspace("b-w").jpeg().toBuffer(),
  "cmyk jpeg": (image) =>
    toSharp(image).toColourspace("cmyk").jpeg().toBuffer(),
  png: (image) => toSharp(image).png().toBuffer(),
  "palette png": (image) => toSharp(image).png({ palette: true }).toBuffer(),
};

describe("an image's header", () => {
  it.each([
    ["ppm", SampleClass.ppm],
    ["jpeg", SampleClass.jpegColor],
    ["progressive jpeg", SampleClass.jpegColor],
    ["gray jpeg", SampleClass.jpegGray],
    ["cmyk jpeg", SampleClass.jpegCmyk],
    ["png", SampleClass.png],
    ["palette png", SampleClass.png],
  ])("tells size and kind of a %s", async (name, wantClass) => {
    const image = {
      width: 32,
      height: 20,
      pixels: photo.pixels.subarray(0, 32 * 20 * 3),
    };
    const file = await (encoders[name] as (typeof encoders)[string])(image);
    expect(readImageHeader(file)).toEqual({
      width: 32,
      height: 20,
      sampleClass: wantClass,
    });
  });

  it("is found behind large metadata and fill bytes", async () => {
    const jpeg = await toSharp(photo).jpeg().toBuffer();
    const metadata = Buffer.alloc(60_002, 0xff);
    metadata.writeUInt16BE(0xffe1, 0);
    metadata.writeUInt16BE(60_000, 2);
    const file = Buffer.concat([
      jpeg.subarray(0, 2),
      metadata,
      Buffer.from([0xff, 0xff]),
      jpeg.subarray(2),
    ]);
    expect(readImageHeader(file)).toMatchObject({ width: 32, height: 32 });
  });

  it.each<[string, Buffer, RegExp]>([
    ["an empty file", Buffer.alloc(0), /empty/],
    ["a text", Buffer.from("no image at all, but some text"), /neither/],
    ["a bare JPEG marker", Buffer.from([0xff, 0xd8, 0xff]), /frame header/],
    ["a PNG signature alone", Buffer.from("\x89PNG\r\n", "latin1"), /PNG/],
    ["a PPM that is cut off", Buffer.from("P6\n2 2\n255\nabc"), /neither/],
    ["a 16-bit PPM", Buffer.from("P6\n1 1\n65535\nabcdef"), /neither/],
  ])("is missing in %s, with the reason", (_, file, wantReason) => {
    expect(readImageHeader(file)).toEqual({
      reason: expect.stringMatching(wantReason),
    });
  });

  it("never reads outside a file that is cut anywhere", async () => {
    const jpeg = await toSharp(photo).jpeg().toBuffer();
    for (let length = 0; length < jpeg.length; length++) {
      const header = readImageHeader(jpeg.subarray(0, length));
      expect("reason" in header || header.width === 32).toBe(true);
    }
  });
});

describe("ppm", () => {
  it("is refused where a side does not fit into the index", () => {
    const file = encodePpm({
      width: 70_000,
      height: 1,
      pixels: new Uint8Array(70_000 * 3),
    });
    expect(readImageHeader(file)).toEqual({
      reason: "larger than 65,535 pixels a side",
    });
  });

  it("is a header and the pixels, read back as a view without a copy", () => {
    const file = encodePpm(photo);
    expect(Buffer.from(file.subarray(0, 13)).toString()).toBe(
      "P6\n32 32\n255\n",
    );
    const image = decodePpm(file);
    expect(image?.pixels.buffer).toBe(file.buffer);
    expect(Buffer.from(image?.pixels ?? []).equals(photo.pixels)).toBe(true);
  });

  it("may carry a comment, as other programs write it", () => {
    const file = Buffer.from("P6\n# made by hand\n1 1\n255\nabc");
    expect(decodePpm(file)).toMatchObject({ width: 1, height: 1 });
  });
});
