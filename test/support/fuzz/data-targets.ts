/** Readers of images, archives and dataset files. */
import { crc32 } from "node:zlib";
import sharp from "sharp";
import type { z } from "zod";
import {
  catalogSchema,
  leftOutSchema,
  partSchema,
} from "../../../src/data/catalog.ts";
import { decodeMask, MaskError } from "../../../src/data/pixels/mask-png.ts";
import { tarMembers } from "../../../src/data/places/tar-members.ts";
import { examineSample } from "../../../src/data/shards/examine-image.ts";
import { readImageHeader } from "../../../src/data/shards/image-header.ts";
import { mergeParts } from "../../../src/data/shards/merge-parts.ts";
import { encodePpm } from "../../../src/data/shards/ppm.ts";
import {
  decodeShardIndex,
  encodeShardIndex,
  SampleClass,
} from "../../../src/data/shards/shard-index.ts";
import { readTar, TarError } from "../../../src/data/shards/tar-reader.ts";
import { headerSum, tarChunks } from "../../../src/data/shards/tar-writer.ts";
import { collect } from "../collect.ts";
import { readPhotographs, toSharp } from "../photographs.ts";
import type { FuzzTarget } from "./fuzz.ts";

const isInside = (
  bytes: Uint8Array,
  entries: readonly { readonly offset: number; readonly sizeBytes: number }[],
) => {
  const outside = entries.find(
    ({ offset, sizeBytes }) => offset + sizeBytes > bytes.length,
  );
  if (outside) throw new Error("an entry lies outside its archive");
  return true;
};

const refusedBy =
  (kind: new (...args: never[]) => Error) =>
  (thrown: unknown): false => {
    if (thrown instanceof kind) return false;
    throw thrown;
  };

async function tars(): Promise<Uint8Array[]> {
  const member = (name: string, text: string) => ({
    name,
    sizeBytes: text.length,
    read: () => Buffer.from(text),
  });
  const chunks = await collect(
    tarChunks([
      member("00000000.jpg", "not a picture"),
      member("00000000.mask.png", "x".repeat(700)),
      member("00000000.json", "{}"),
    ]),
  );
  return [Buffer.concat(chunks)];
}

/** Every block that says that it is ustar gets the right checksum. */
function mendTar(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const header = bytes.subarray(at, at + 512);
    if (header.toString("latin1", 257, 262) !== "ustar") continue;
    const sum = headerSum(header).toString(8).padStart(6, "0");
    header.write(`${sum}\0 `, 148, "latin1");
  }
}

function mendIndex(bytes: Buffer): void {
  if (bytes.length < 32) return;
  bytes.writeUInt32LE(Math.floor((bytes.length - 32) / 48), 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(32)), 28);
}

function mendPng(bytes: Buffer): void {
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (end + 4 > bytes.length) return;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end);
    at = end + 4;
  }
}

async function images(): Promise<Uint8Array[]> {
  const [image] = await readPhotographs(1);
  if (!image) throw new Error("no photograph");
  return [
    encodePpm(image),
    await toSharp(image).jpeg().toBuffer(),
    await toSharp(image).jpeg({ progressive: true }).toBuffer(),
    await toSharp(image).grayscale().jpeg().toBuffer(),
    await toSharp(image).toColourspace("cmyk").jpeg().toBuffer(),
    await toSharp(image).png().toBuffer(),
  ];
}

async function masks(): Promise<Uint8Array[]> {
  const raw = { raw: { width: 32, height: 8, channels: 1 as const } };
  const values = Buffer.from(Array.from({ length: 256 }, (_, i) => i % 21));
  const gray = sharp(values, raw).toColourspace("b-w");
  return [
    await gray.clone().png().toBuffer(),
    await gray.clone().png({ palette: true, colours: 16 }).toBuffer(),
    await gray.clone().png({ progressive: true }).toBuffer(),
  ];
}

const part = {
  version: 2,
  index: 0,
  count: 1,
  source: { format: "voc", split: "train", identity: "voc:abc", items: 9 },
  order: { version: 1, seed: 0 },
  classes: ["cat", "dog"],
  perClass: [4, 3],
  unlabelled: 1,
  samples: 8,
  width: { min: 10, max: 20 },
  height: { min: 10, max: 20 },
  quarantine: [{ source: 3, origin: "cat/x.jpg", reason: "empty file" }],
  masks: { classes: ["background", "cat", "dog"], samples: 8 },
  shrink: { side: 500, images: 2, encoders: ["sharp 1, libvips 2"] },
  leftOut: [{ reason: "hidden", count: 1, examples: [".x"] }],
  chromaSum: 1.25,
};

function asJson(read: (value: unknown) => boolean) {
  return (input: Buffer): boolean => {
    let value: unknown;
    try {
      value = JSON.parse(input.toString());
    } catch (thrown) {
      return refusedBy(SyntaxError)(thrown);
    }
    return read(value);
  };
}

const fits = (schema: z.ZodType) =>
  asJson((value) => schema.safeParse(value).success);

const files = ["shard-00000-of-00001.tar", "shard-00000-of-00001.idx"].map(
  (path) => ({ path, sizeBytes: 1024, crc32: "00000000", sha256: "0" }),
);

export const dataTargets: readonly FuzzTarget[] = [
  {
    name: "tar of a shard",
    corpus: tars,
    mend: mendTar,
    read(input) {
      try {
        return isInside(input, readTar(input));
      } catch (thrown) {
        return refusedBy(TarError)(thrown);
      }
    },
  },
  {
    name: "tar of a source",
    corpus: tars,
    mend: mendTar,
    async read(input) {
      const read = async (range: { offset: number; length: number }) =>
        input.subarray(range.offset, range.offset + range.length);
      const archive = { sizeBytes: input.length, read };
      return await collect(tarMembers(archive)).then(
        (members) => isInside(input, members),
        refusedBy(TarError),
      );
    },
  },
  {
    name: "index of a shard",
    corpus: () =>
      [0, 1, 5].map((count) =>
        encodeShardIndex({
          shardBytes: 2 ** 20,
          shardCrc32: 7,
          samples: Array.from({ length: count }, (_, i) => ({
            offset: 512 * i,
            sizeBytes: 400,
            source: i,
            label: i - 1,
            width: 20,
            height: 30,
            sampleClass: SampleClass.jpegColor,
            crc32: i,
            mask: i % 2 ? { offset: 512, sizeBytes: 40, crc32: 1 } : null,
          })),
        }),
      ),
    mend: mendIndex,
    read: (input) => decodeShardIndex(input).ok,
  },
  {
    name: "header of an image",
    corpus: images,
    read: (input) => !("reason" in readImageHeader(input)),
  },
  {
    name: "image to be packed",
    corpus: images,
    mend: mendPng,
    read: async (input) =>
      !(
        "reason" in
        (await examineSample({ file: input, mask: undefined }, null))
      ),
  },
  {
    name: "mask",
    corpus: masks,
    mend: mendPng,
    read(input) {
      try {
        const { width, height, values } = decodeMask(input);
        if (values.length !== width * height) throw new Error("wrong size");
        return true;
      } catch (thrown) {
        return refusedBy(MaskError)(thrown);
      }
    },
  },
  {
    name: "catalog",
    kind: "json",
    corpus: () => [
      Buffer.from(
        JSON.stringify(mergeParts([{ part: partSchema.parse(part), files }])),
      ),
    ],
    read: fits(catalogSchema),
  },
  {
    name: "report of a part",
    kind: "json",
    corpus: () => [Buffer.from(JSON.stringify(part))],
    read: fits(partSchema),
  },
  {
    name: "what was left out",
    kind: "json",
    corpus: () => [Buffer.from(JSON.stringify(part.leftOut))],
    read: fits(leftOutSchema),
  },
];
