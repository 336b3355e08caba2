import { readdirSync } from "node:fs";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import type { Image } from "../../../src/data/pixels/image.ts";
import { decodeMask } from "../../../src/data/pixels/mask-png.ts";
import { packShard } from "../../../src/data/shards/pack-shard.ts";
import {
  decodeShardIndex,
  SampleClass,
} from "../../../src/data/shards/shard-index.ts";
import { readTar } from "../../../src/data/shards/tar-reader.ts";
import type {
  Source,
  SourceRequest,
} from "../../../src/data/sources/source.ts";
import { readPhotographs, toSharp } from "../../support/photographs.ts";
import { collect } from "../../support/collect.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

let files: Uint8Array[];
let photograph: Image;
beforeAll(async () => {
  const images = await readPhotographs(12);
  photograph = images[0] as Image;
  files = await Promise.all(
    images.map((image) => toSharp(image).jpeg().toBuffer()),
  );
});

const listed: SourceRequest = {
  source: "photographs",
  format: "image-folder",
  split: "train",
  limit: null,
};

/** A source whose files arrive in an order of its own choosing: the last wanted first, and each a little later. */
function createSource(): Source {
  return {
    identity: "test",
    classes: ["even", "odd"],
    items: files.map((_, i) => ({ origin: `${i}.jpg`, label: i % 2 })),
    leftOut: [],
    async read(wanted, visit) {
      for (const [position, index] of [...wanted.entries()].toReversed())
        await visit(position, files[index] as Uint8Array);
    },
  };
}

async function pack(
  rest: {
    readonly source?: Source;
    readonly index?: number;
    readonly count?: number;
    readonly shrink?: number;
  } = {},
) {
  const scratch = await createTemporaryFolder();
  const request = {
    source: rest.source ?? createSource(),
    request: listed,
    part: { index: rest.index ?? 0, count: rest.count ?? 1 },
    order: 0,
    shrink: rest.shrink ?? null,
    scratch,
  };
  const packed = await packShard(request, async (shard) => {
    const tar = Buffer.concat(await collect(shard.chunks()));
    expect(tar.length).toBe(shard.sizeBytes);
    return { tar, index: readIndex(shard.index()), part: shard.part };
  });
  expect(readdirSync(scratch)).toEqual([]);
  return packed;
}

function readIndex(file: Uint8Array) {
  const decoded = decodeShardIndex(file);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.index;
}

describe("packing a shard", () => {
  it("puts samples where the order says, in whatever order the source reads them", async () => {
    const { tar, index } = await pack();
    const members = readTar(tar).filter(({ name }) => name.endsWith(".jpg"));
    const { samples } = index;
    expect(members.map(({ offset }) => offset)).toEqual(
      samples.map(({ offset }) => offset),
    );
    for (const { offset, sizeBytes, source, label } of samples) {
      const content = tar.subarray(offset, offset + sizeBytes);
      expect(content.equals(files[source] as Uint8Array)).toBe(true);
      expect(label).toBe(source % 2);
    }
  });

  it("gives each part its own samples, and together all of them", async () => {
    const parts = await Promise.all(
      [0, 1, 2, 3, 4].map((index) => pack({ index, count: 5 })),
    );
    const sources = parts.flatMap(({ index }) =>
      index.samples.map(({ source }) => source),
    );
    expect(sources.toSorted((a, b) => a - b)).toEqual(files.map((_, i) => i));
    expect(parts.map(({ part }) => part.perClass)).toEqual(
      parts.map(({ part }) => [
        part.samples - (part.perClass[1] as number),
        part.perClass[1],
      ]),
    );
  });

  it("gives the same bytes again, in whatever order the images arrive", async () => {
    const one = await pack();
    const forwards: Source = {
      ...createSource(),
      async read(wanted, visit) {
        await Promise.all(
          wanted.map((index, position) =>
            visit(position, files[index] as Uint8Array),
          ),
        );
      },
    };
    const two = await pack({ source: forwards });
    expect(two.tar.equals(one.tar)).toBe(true);
    expect(two.index).toEqual(one.index);
  });

  it("puts the mask of an image behind it and into the index", async () => {
    const masks = await Promise.all(files.map((_, i) => grayPng(32, i)));
    const { tar, index } = await pack({ source: withMasks(masks) });
    expect(
      readTar(tar)
        .slice(0, 3)
        .map(({ name }) => name.slice(8)),
    ).toEqual([".jpg", ".mask.png", ".json"]);
    for (const { mask, source } of index.samples) {
      const { offset = 0, sizeBytes = 0 } = mask ?? {};
      const found = tar.subarray(offset, offset + sizeBytes);
      expect(found.equals(masks[source] as Uint8Array)).toBe(true);
      expect(mask?.crc32).toBe(crc32(found));
    }
  });

  it.each<[string, () => Promise<Uint8Array>, string]>([
    [
      "no PNG",
      async () => Buffer.from("text"),
      "its mask can not be used: it is no PNG",
    ],
    ["of another size", () => grayPng(16), "image and mask differ in size"],
    [
      "in colours",
      () => toSharp(photograph).png().toBuffer(),
      "its mask can not be used: it has colours instead of class numbers",
    ],
  ])(
    "quarantines an image whose mask is %s",
    async (_, createMask, wantReason) => {
      const mask = await createMask();
      const { part } = await pack({ source: withMasks(files.map(() => mask)) });
      expect(part.samples).toBe(0);
      expect(part.quarantine[0]?.reason).toBe(wantReason);
    },
  );

  it("keeps all labels of an image that has several, and counts each", async () => {
    const source = createSource();
    const items = source.items.map(({ origin }, i) =>
      i === 0
        ? { origin, label: -1, labels: [0, 1] }
        : { origin, label: -1, labels: [] },
    );
    const { tar, part } = await pack({ source: { ...source, items } });
    expect(part.perClass).toEqual([1, 1]);
    expect(part.unlabelled).toBe(files.length - 1);
    const member = readTar(tar).find(({ name }) => name === "00000000.json");
    const { offset = 0, sizeBytes = 0 } = member ?? {};
    expect(tar.toString("utf8", offset, offset + sizeBytes)).toBe(
      '{"labels":[0,1],"labelNames":["even","odd"],"source":"0.jpg"}\n',
    );
  });

  it("gives a class of its own to a JPEG that only a lenient decoder reads, and quarantines one that is cut off", async () => {
    const source = createSource();
    const whole = Buffer.from(files[0] as Uint8Array);
    // Some of the picture is missing, but not the end mark.
    const damaged = Buffer.concat([whole.subarray(0, -62), whole.subarray(-2)]);
    const cut = (files[1] as Uint8Array).subarray(0, 600);
    const { index, part } = await pack({
      source: {
        ...source,
        async read(wanted, visit) {
          for (const [position, item] of wanted.entries())
            await visit(
              position,
              [damaged, cut][item] ?? (files[item] as Uint8Array),
            );
        },
      },
    });
    const classOf = (source: number) =>
      index.samples.find((sample) => sample.source === source)?.sampleClass;
    expect(classOf(0)).toBe(SampleClass.jpegLenient);
    expect(classOf(2)).toBe(SampleClass.jpegColor);
    expect(part.quarantine).toEqual([
      {
        source: 1,
        origin: "1.jpg",
        reason: "does not decode: cut off or damaged",
      },
    ]);
  });

  it("scales large images down with their masks, and says from what and with what", async () => {
    const [wide, tall] = await Promise.all(
      [
        [300, 200],
        [101, 333],
      ].map(([width, height]) =>
        toSharp(photograph)
          .resize(width, height, { fit: "fill" })
          .jpeg()
          .toBuffer(),
      ),
    );
    const mask = await sharp(
      Buffer.from(
        Array.from({ length: 300 * 200 }, (_, i) => (i % 300 < 150 ? 3 : 255)),
      ),
      { raw: { width: 300, height: 200, channels: 1 } },
    )
      .toColourspace("b-w")
      .png()
      .toBuffer();
    const source: Source = {
      ...createSource(),
      async read(wanted, visit) {
        for (const [position, item] of wanted.entries())
          if (item === 0) await visit(position, wide as Buffer, mask);
          else if (item === 1) await visit(position, tall as Buffer);
          else await visit(position, files[item] as Uint8Array);
      },
    };
    const one = await pack({ source, shrink: 100 });
    const two = await pack({ source, shrink: 100 });
    expect(two.tar.equals(one.tar)).toBe(true);
    const sample = (number: number) =>
      one.index.samples.find((each) => each.source === number);
    expect(sample(0)).toMatchObject({ width: 150, height: 100 });
    expect(sample(1)).toMatchObject({ width: 100, height: 330 });
    expect(sample(2)).toMatchObject({ width: 32, height: 32 });
    expect(one.part.shrink).toEqual({
      side: 100,
      images: 2,
      encoders: [expect.stringMatching(/^sharp \d.*, libvips \d/)],
    });
    const { offset = 0, sizeBytes = 0 } = sample(0)?.mask ?? {};
    const shrunk = decodeMask(one.tar.subarray(offset, offset + sizeBytes));
    expect([...shrunk.values.subarray(0, 150)]).toEqual(
      Array.from({ length: 150 }, (_, x) => (x < 75 ? 3 : 255)),
    );
    expect(one.tar.toString("latin1")).toContain(
      '"source":"0.jpg","shrunkFrom":{"width":300,"height":200}}',
    );
  });

  it("names the folder that it cannot put a shard together in", async () => {
    const packing = packShard(
      {
        source: createSource(),
        request: listed,
        part: { index: 0, count: 1 },
        order: 0,
        shrink: null,
        scratch: "/no/such/folder",
      },
      async () => undefined,
    );
    await expect(packing).rejects.toMatchObject({
      code: "data.scratch",
      message: expect.stringContaining("/no/such/folder"),
    });
  });
});

function withMasks(masks: readonly Uint8Array[]): Source {
  const source = createSource();
  return {
    ...source,
    async read(wanted, visit) {
      for (const [position, index] of wanted.entries())
        await visit(position, files[index] as Uint8Array, masks[index]);
    },
  };
}

function grayPng(side: number, value = 0): Promise<Buffer> {
  return sharp(Buffer.alloc(side * side, value), {
    raw: { width: side, height: side, channels: 1 },
  })
    .toColourspace("b-w")
    .png()
    .toBuffer();
}
