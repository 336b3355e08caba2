import { beforeAll, describe, expect, it } from "vitest";
import { openBucketTree } from "../../../src/data/places/file-tree.ts";
import {
  openSource,
  openSourceOf,
  type Source,
} from "../../../src/data/sources/source.ts";
import { shardParams } from "../../../src/spec/params/params-shard.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";
import {
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
const jpeg = (i: number) => jpegs[i] as Buffer;

const open = async (
  files: Readonly<Record<string, Uint8Array | string>>,
  own: Partial<Parameters<typeof openSource>[0]> = {},
) => {
  const folder = await createTemporaryFolder();
  writeFiles(folder, files);
  return openSource({
    source: folder,
    format: "file-list",
    split: "train",
    limit: null,
    ...own,
  });
};
const facts = ({ items, classes }: Source) =>
  items.map(({ origin, label }) => [origin, classes[label] ?? null]);

/** Places205 in small: paths below a folder of their own, numbers as labels, their names in a file. */
const places = () => ({
  "lists/train_places205.csv":
    "a/abbey/one.jpg,0\na/airport terminal/two.jpg,1\na/abbey/three.jpg,0\n",
  "lists/categoryIndex_places205.csv": "/a/abbey 0\n/a/airport_terminal 1\n",
  "images/a/abbey/one.jpg": jpeg(0),
  "images/a/airport terminal/two.jpg": jpeg(1),
  "images/a/abbey/three.jpg": jpeg(2),
  "images/a/abbey/unlisted.jpg": jpeg(3),
});
const placesList = {
  file: "lists/train_places205.csv",
  root: "images/",
  classes: "lists/categoryIndex_places205.csv",
};

describe("a list of files", () => {
  it("of Places205 takes what is listed, in its order, with the names of its classes", async () => {
    const source = await open(places(), { list: placesList });
    expect(facts(source)).toEqual([
      ["images/a/abbey/one.jpg", "/a/abbey"],
      ["images/a/airport terminal/two.jpg", "/a/airport_terminal"],
      ["images/a/abbey/three.jpg", "/a/abbey"],
    ]);
    expect(source.classes).toEqual(["/a/abbey", "/a/airport_terminal"]);
    const read: [number, Buffer][] = [];
    await source.read([2, 1], (position, file) => {
      read.push([position, Buffer.from(file)]);
      return Promise.resolve();
    });
    expect(read.toSorted(([a], [b]) => a - b)).toEqual([
      [0, jpeg(2)],
      [1, jpeg(1)],
    ]);
  });

  it.each([
    {
      name: "numbers behind blanks, as ImageNet's val.txt",
      text: "x.jpg 3\ny.jpg   0\n",
      want: [
        ["x.jpg", "3"],
        ["y.jpg", "0"],
      ],
    },
    {
      name: "names behind a tab, numbered by name",
      text: "x.jpg\tzebra\r\ny.jpg\tabbey wall\r\n",
      want: [
        ["x.jpg", "zebra"],
        ["y.jpg", "abbey wall"],
      ],
    },
    {
      name: "no labels, and leading ./ and /",
      text: "./x.jpg\n/y.jpg\n",
      want: [
        ["x.jpg", null],
        ["y.jpg", null],
      ],
    },
    {
      name: "labels for some",
      text: "x.jpg, 1\n\ny.jpg\n",
      want: [
        ["x.jpg", "1"],
        ["y.jpg", null],
      ],
    },
  ])("may have $name", async ({ text, want }) => {
    const files = { "train.txt": text, "x.jpg": jpeg(0), "y.jpg": jpeg(1) };
    expect(facts(await open(files))).toEqual(want);
  });

  it("names numbers by lines of synsets", async () => {
    const source = await open(
      {
        "val.txt": "x.jpg 1\n",
        "words.txt": "n01440764 tench, Tinca tinca\nn01443537 goldfish\n",
        "x.jpg": jpeg(0),
      },
      { split: "val", list: { classes: "words.txt" } },
    );
    expect(source.classes).toEqual(["n01440764", "n01443537"]);
    expect(facts(source)).toEqual([["x.jpg", "n01443537"]]);
  });

  it("counts what is not there, not an image, and listed twice", async () => {
    const source = await open({
      "train.txt": "x.jpg 0\ngone.jpg 0\nx.jpg 1\nnotes.txt 2\n../y.jpg 1\n",
      "x.jpg": jpeg(0),
    });
    expect(facts(source)).toEqual([["x.jpg", "0"]]);
    expect(source.leftOut.map(({ reason, count }) => [reason, count])).toEqual([
      ["listed and not named .jpg, .jpeg or .png", 1],
      ["listed and not there", 2],
      ["listed twice", 1],
    ]);
  });

  it("is the same in a bucket", async () => {
    const folder = await open(places(), { list: placesList });
    const store = createMemoryStore();
    for (const [path, content] of Object.entries(places()))
      await store.put(path, Buffer.from(content));
    const bucket = await openSourceOf(await openBucketTree(store), {
      source: "s3://places",
      format: "file-list",
      split: "train",
      limit: null,
      list: placesList,
    });
    expect(facts(bucket)).toEqual(facts(folder));
    expect(bucket.identity).toBe(folder.identity);
  });

  it("becomes a dataset of shards", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, places());
    const { results } = await packDataset({
      source: folder,
      format: "file-list",
      list: placesList,
      shards: 2,
    });
    expect(results.at(-1)?.metrics).toMatchObject({
      images: 3,
      classes: 2,
      bad: 0,
    });
  });

  it.each([
    {
      name: "a list that is not there",
      files: {},
      own: { list: "other.csv" },
      code: "data.source-missing",
    },
    {
      name: "names that are not there",
      files: { "train.txt": "x.jpg 0\n" },
      own: { list: { classes: "names.txt" } },
      code: "data.source-missing",
    },
    {
      name: "a number without a name",
      files: { "train.txt": "x.jpg 7\n", "names.txt": "a\nb\n" },
      own: { list: { classes: "names.txt" } },
      code: "data.source-malformed",
    },
    {
      name: "a list of nothing that is there",
      files: { "train.csv": "a/x.jpg 0\n" },
      own: {},
      code: "data.source-empty",
    },
  ])("refuses $name", async ({ files, own, code }) => {
    await expect(
      open({ "x.jpg": jpeg(0), ...files }, own),
    ).rejects.toMatchObject({ code });
  });

  it("belongs to its format alone", () => {
    const params = { source: "x", format: "voc", list: "train.txt" };
    expect(shardParams.safeParse(params).error?.issues[0]?.message).toBe(
      "only the format file-list has a list",
    );
  });
});
