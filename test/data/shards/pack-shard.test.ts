import { beforeAll, describe, expect, it } from "vitest";
import { packShard } from "../../../src/data/shards/pack-shard.ts";
import { decodeShardIndex } from "../../../src/data/shards/shard-index.ts";
import { readTar } from "../../../src/data/shards/tar-reader.ts";
import type {
  Source,
  SourceRequest,
} from "../../../src/data/sources/source.ts";
import { readPhotographs, toSharp } from "../../support/photographs.ts";

let files: Uint8Array[];
beforeAll(async () => {
  const images = await readPhotographs(12);
  files = await Promise.all(
    images.map((image) => toSharp(image).jpeg().toBuffer()),
  );
});

const request: SourceRequest = {
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

const pack = (rest: { index?: number; count?: number; max?: number } = {}) =>
  packShard({
    source: createSource(),
    request,
    part: { index: rest.index ?? 0, count: rest.count ?? 1 },
    order: 0,
    ...(rest.max === undefined ? {} : { maxShardBytes: rest.max }),
  });

describe("packing a shard", () => {
  it("puts samples where the order says, in whatever order the source reads them", async () => {
    const packed = await pack();
    const tar = Buffer.concat([...packed.chunks()]);
    expect(tar.length).toBe(packed.sizeBytes);
    const decoded = decodeShardIndex(packed.index);
    if (!decoded.ok) throw new Error(decoded.reason);
    const members = readTar(tar).filter(({ name }) => name.endsWith(".jpg"));
    const { samples } = decoded.index;
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
    const sources = parts.flatMap(({ index }) => {
      const decoded = decodeShardIndex(index);
      return decoded.ok
        ? decoded.index.samples.map(({ source }) => source)
        : [];
    });
    expect(sources.toSorted((a, b) => a - b)).toEqual(files.map((_, i) => i));
    expect(parts.map(({ part }) => part.perClass)).toEqual(
      parts.map(({ part }) => [
        part.samples - (part.perClass[1] as number),
        part.perClass[1],
      ]),
    );
  });

  it("refuses to grow beyond what a worker can hold, and says how many shards would do", async () => {
    await expect(pack({ max: 2000 })).rejects.toMatchObject({
      code: "data.shard-too-large",
      hint: expect.stringMatching(/set shards to about [2-9]\d? /),
    });
  });
});
