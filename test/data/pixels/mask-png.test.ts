import { deflateSync, crc32 } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeMask, MaskError } from "../../../src/data/pixels/mask-png.ts";

function chunk(kind: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG whose rows (filter byte first) are given. */
function png(
  rows: readonly (readonly number[])[],
  head: {
    readonly width: number;
    readonly depth?: number;
    readonly kind?: number;
    readonly interlace?: number;
  },
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(head.width, 0);
  header.writeUInt32BE(rows.length, 4);
  header[8] = head.depth ?? 8;
  header[9] = head.kind ?? 3;
  header[12] = head.interlace ?? 0;
  const data = deflateSync(Buffer.from(rows.flat()));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.alloc(768)),
    // Two chunks of data, as large files have.
    chunk("IDAT", data.subarray(0, 3)),
    chunk("IDAT", data.subarray(3)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

describe("a mask", () => {
  it("gives back the class numbers of a palette image, 255 included", () => {
    const file = png(
      [
        [0, 0, 20, 255],
        [0, 1, 2, 3],
      ],
      { width: 3 },
    );
    expect(decodeMask(file)).toEqual({
      width: 3,
      height: 2,
      values: Uint8Array.from([0, 20, 255, 1, 2, 3]),
    });
  });

  it("undoes each of the row filters", () => {
    const file = png(
      [
        [0, 10, 20, 30],
        [1, 1, 2, 3],
        [2, 1, 1, 1],
        [3, 1, 1, 1],
        [4, 5, 250, 7],
      ],
      { width: 3 },
    );
    expect([...decodeMask(file).values]).toEqual([
      10, 20, 30, 1, 3, 6, 2, 4, 7, 2, 4, 6, 7, 1, 11,
    ]);
  });

  it("unpacks 1, 2 and 4 bits a pixel, the last byte of a row partly filled", () => {
    const bits = (depth: number, byte: number[], width: number) => [
      ...decodeMask(png([[0, ...byte]], { width, depth })).values,
    ];
    expect(bits(1, [0b10110001, 0b10000000], 9)).toEqual([
      1, 0, 1, 1, 0, 0, 0, 1, 1,
    ]);
    expect(bits(2, [0b00011011, 0b11000000], 5)).toEqual([0, 1, 2, 3, 3]);
    expect(bits(4, [0x1f, 0xa0], 3)).toEqual([1, 15, 10]);
  });

  it("reads what a PNG library writes, gray levels as they are", async () => {
    const classes = Uint8Array.from({ length: 64 * 48 }, (_, i) =>
      Math.min(255, (i * i) % 23),
    );
    const file = await sharp(classes, {
      raw: { width: 64, height: 48, channels: 1 },
    })
      .toColourspace("b-w")
      .png({ adaptiveFiltering: true })
      .toBuffer();
    expect(Buffer.from(decodeMask(file).values).equals(classes)).toBe(true);
  });

  it.each([
    ["an RGB image", png([[0, 1, 2, 3]], { width: 1, kind: 2 }), /colours/],
    ["an interlaced image", png([[0, 1]], { width: 1, interlace: 1 }), /inter/],
    ["an unknown filter", png([[9, 1]], { width: 1 }), /filter/],
    ["fewer rows than it says", png([[0, 1]], { width: 2 }), /cut off|inflate/],
    ["more rows than it says", png([[0, 1, 2, 3]], { width: 1 }), /inflate/],
    ["another file", Buffer.from("P6 1 1 255\n   "), /no PNG/],
  ])("is refused if it is %s", (_, file, reason) => {
    expect(() => decodeMask(file)).toThrow(MaskError);
    expect(() => decodeMask(file)).toThrow(reason);
  });

  it("is either read or refused with a reason, whatever bytes are damaged", () => {
    const good = png(
      Array.from({ length: 20 }, (_, y) => [
        y % 5,
        ...Array.from({ length: 20 }, (_, x) => (x * y) % 251),
      ]),
      { width: 20 },
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.nat(good.length),
        (changes, length) => {
          const file = Buffer.from(good);
          for (const [at, value] of changes) file[at] = value;
          try {
            const { width, height, values } = decodeMask(
              file.subarray(0, length),
            );
            expect(values.length).toBe(width * height);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(MaskError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
