import { describe, expect, it } from "vitest";
import {
  catalogSchema,
  shardFiles,
  toJsonBytes,
  type ShardPart,
} from "../../../src/data/catalog.ts";
import {
  checkQuarantine,
  mergeParts,
} from "../../../src/data/shards/merge-parts.ts";

function part(index: number, change: Partial<ShardPart> = {}): ShardPart {
  return {
    version: 2,
    masks: null,
    shrink: null,
    index,
    count: 2,
    source: { format: "image-folder", split: "train", identity: "x", items: 5 },
    order: { version: 1, seed: 0 },
    classes: ["cat", "dog"],
    perClass: [1, 1],
    unlabelled: 0,
    samples: 2,
    width: { min: 10 + index, max: 20 + index },
    height: { min: 5, max: 5 },
    quarantine: [],
    leftOut: [],
    chromaSum: 0.5,
    ...change,
  };
}

const withFiles = (value: ShardPart) => {
  const { tar, index } = shardFiles(value);
  const facts = { sizeBytes: 1024, crc32: "00000000", sha256: "0".repeat(64) };
  return {
    part: value,
    files: [
      { path: tar, ...facts },
      { path: index, ...facts },
    ],
  };
};

describe("a catalog", () => {
  it("adds up its parts, in whatever order they come", () => {
    const bad = (source: number) => ({ source, origin: "x", reason: "y" });
    const parts = [
      part(0, { quarantine: [bad(4)] }),
      part(1, { perClass: [0, 3], samples: 3, quarantine: [bad(1)] }),
    ].map(withFiles);
    const catalog = mergeParts(parts);
    expect(mergeParts(parts.toReversed())).toEqual(catalog);
    expect(catalog).toMatchObject({
      samples: 5,
      perClass: [1, 4],
      width: { min: 10, max: 21 },
      meanChroma: 0.2,
      quarantine: [{ source: 1 }, { source: 4 }],
      shards: [
        { file: "shard-00000-of-00002.tar", samples: 2 },
        { file: "shard-00001-of-00002.tar", samples: 3 },
      ],
    });
  });

  it("ignores the size range of a part without images", () => {
    const none = { min: 0, max: 0 };
    const empty = part(1, { samples: 0, width: none, height: none });
    expect(mergeParts([part(0), empty].map(withFiles)).width).toEqual({
      min: 10,
      max: 20,
    });
  });

  it("is not made of parts that saw different sources", () => {
    const other = part(1, { source: { ...part(1).source, identity: "z" } });
    expect(() => mergeParts([part(0), other].map(withFiles))).toThrow(
      /source of the images changed while it was packed: parts 0 and 1/,
    );
  });

  it("is not made of some of the parts", () => {
    expect(() => mergeParts([withFiles(part(0))])).toThrow(/2 parts, got 1/);
  });

  it("comes back from its bytes", () => {
    const catalog = mergeParts([part(0), part(1)].map(withFiles));
    const text = new TextDecoder().decode(toJsonBytes(catalog));
    expect(catalogSchema.parse(JSON.parse(text))).toEqual(catalog);
    expect(text.split("\n").length).toBe(Object.keys(catalog).length + 3);
  });
});

describe("the quarantine", () => {
  const bad = [{ source: 1, origin: "cat/1.jpg", reason: "empty file" }];

  it("may hold the allowed fraction and no more", () => {
    expect(() => checkQuarantine(bad, 100, 0.01)).not.toThrow();
    expect(() => checkQuarantine(bad, 99, 0.01)).toThrow(
      "1 of 99 images can not be used, more than maxBad = 0.01 allows: cat/1.jpg (empty file)",
    );
    expect(() => checkQuarantine([], 100, 0)).not.toThrow();
  });
});
