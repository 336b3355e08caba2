import { execFileSync } from "node:child_process";
import path from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { listDataset } from "../../../src/data/inspect.ts";
import { openSource, type Source } from "../../../src/data/sources/source.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";
import {
  photographPack,
  readPhotographs,
  toSharp,
  writeFiles,
} from "../../support/photographs.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

let jpegs: Buffer[];
beforeAll(async () => {
  const images = await readPhotographs(4);
  jpegs = await Promise.all(
    images.map((image) => toSharp(image).jpeg().toBuffer()),
  );
});

/** Three photographs; the third is in the class lists alone. */
async function createLayout(
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await createTemporaryFolder();
  const mask = (value: number) =>
    sharp(Buffer.alloc(32 * 32, value), {
      raw: { width: 32, height: 32, channels: 1 },
    })
      .toColourspace("b-w")
      .png()
      .toBuffer();
  writeFiles(folder, {
    "JPEGImages/b.jpg": jpegs[0] as Buffer,
    "JPEGImages/a.jpg": jpegs[1] as Buffer,
    "JPEGImages/c.jpg": jpegs[2] as Buffer,
    "SegmentationClass/a.png": await mask(1),
    "SegmentationClass/b.png": await mask(255),
    "ImageSets/Main/train.txt": "b\na\nc\n",
    "ImageSets/Segmentation/train.txt": "b\r\na\r\n",
    ...more,
  });
  return folder;
}

const lists = {
  "ImageSets/Main/person_train.txt": "b  1\na  1\nc -1\n",
  "ImageSets/Main/dog_train.txt": "b -1\na  1\nc  0\n",
};

const open = (
  source: string,
  masks?: boolean,
  split: "train" | "val" = "train",
) => openSource({ source, format: "voc", split, limit: null, masks });

const facts = ({ items }: Source) =>
  items.map(({ origin, label, labels }) => [origin, label, labels]);
const difficult = ({ items }: Source) => items.map((item) => item.difficult);

describe("a VOC layout", () => {
  it("has the images of the segmentation list with their masks, and the labels of the class lists", async () => {
    const source = await open(await createLayout(lists));
    expect(facts(source)).toEqual([
      ["JPEGImages/b.jpg", 14, [14]],
      ["JPEGImages/a.jpg", -1, [11, 14]],
    ]);
    expect(source.classes).toHaveLength(20);
    expect(source.maskClasses?.slice(0, 2)).toEqual([
      "background",
      "aeroplane",
    ]);
    const seen: (readonly [number, boolean, number | undefined])[] = [];
    await source.read([1], async (position, file, mask) => {
      seen.push([
        position,
        Buffer.from(file).equals(jpegs[1] as Buffer),
        mask && (await sharp(mask).raw().toBuffer())[0],
      ]);
    });
    expect(seen).toEqual([[0, true, 1]]);
  });

  it("without masks has all images of the main list; what is hard to see is no label, and is told apart", async () => {
    const source = await open(await createLayout(lists), false);
    expect(source.maskClasses).toBeUndefined();
    expect(facts(source).at(-1)).toEqual(["JPEGImages/c.jpg", -1, []]);
    expect(difficult(source)).toEqual([[], [], [11]]);
  });

  it("takes labels from annotations where there are no class lists", async () => {
    const object = (name: string, rest = "") =>
      `<object><name>${name}</name>${rest}<part><name>head</name></part></object>`;
    const source = await open(
      await createLayout({
        "Annotations/a.xml": `<annotation><filename>a.jpg</filename>${object("dog")}${object("dog")}${object("car", "<difficult>1</difficult>")}</annotation>`,
        "Annotations/b.xml": `<annotation>${object("sheep")}${object(" cat ")}</annotation>`,
      }),
    );
    expect(facts(source)).toEqual([
      ["JPEGImages/b.jpg", -1, [7, 16]],
      ["JPEGImages/a.jpg", 11, [11]],
    ]);
    expect(difficult(source)).toEqual([[], [6]]);
  });

  it("has classes of its own where a label is none of VOC's", async () => {
    const source = await open(
      await createLayout({ "ImageSets/Main/zebra_train.txt": "b 1\na -1\n" }),
    );
    expect(source.classes).toEqual(["zebra"]);
    expect(source.maskClasses).toEqual(["background", "zebra"]);
  });

  it("counts what is listed and has no image or no mask", async () => {
    const folder = await createLayout({
      ...lists,
      "ImageSets/Segmentation/train.txt": "a\nc\nlost\n",
    });
    const { items, leftOut } = await open(folder);
    expect(items).toHaveLength(1);
    expect(leftOut).toEqual([
      { reason: "listed without a mask", count: 1, examples: ["c"] },
      { reason: "listed without an image", count: 1, examples: ["lost"] },
    ]);
  });

  it("refuses a split without a list, naming those that there are", async () => {
    const opening = open(await createLayout(), undefined, "val");
    await expect(opening).rejects.toMatchObject({
      code: "data.split-missing",
      message: expect.stringContaining("ImageSets/Main/train.txt"),
    });
  });

  it("is packed with masks that the catalog counts", async () => {
    const source = await createLayout(lists);
    const { store, catalog } = await packDataset({ source, format: "voc" });
    const listing = await listDataset(store, catalog);
    expect(listing.catalog.masks).toMatchObject({ samples: 2 });
    expect(listing.catalog.perClass[14]).toBe(2);
    expect(listing.catalog.perClass[11]).toBe(1);
    expect(listing.catalog.unlabelled).toBe(0);
  });

  it.skipIf(!photographPack("voc2012-seg.tar"))(
    "takes PASCAL VOC's own files (needs ../shared/data/voc2012-seg.tar)",
    async () => {
      const folder = await createTemporaryFolder();
      const pack = photographPack("voc2012-seg.tar") as string;
      execFileSync("tar", ["xf", pack, "-C", folder]);
      const { store, catalog } = await packDataset({
        source: path.join(folder, "voc2012-seg"),
        format: "voc",
        split: "val",
        shards: 2,
        limit: 60,
      });
      const { catalog: listed } = await listDataset(store, catalog);
      expect(listed.samples).toBe(60);
      expect(listed.masks?.samples).toBe(60);
      expect(listed.quarantine).toEqual([]);
      expect(listed.perClass.reduce((sum, n) => sum + n)).toBeGreaterThan(60);
    },
  );
});
