import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../../src/base/errors.ts";
import { openSource, type Source } from "../../../src/data/sources/source.ts";
import {
  readPhotographs,
  toSharp,
  writeFiles,
} from "../../support/photographs.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

let jpegs: Uint8Array[];
beforeAll(async () => {
  const images = await readPhotographs(4);
  jpegs = await Promise.all(
    images.map((image) => toSharp(image).jpeg().toBuffer()),
  );
});

const open = (source: string, rest: { split?: "test"; limit?: number } = {}) =>
  openSource({
    source,
    format: "image-folder",
    split: rest.split ?? "train",
    limit: rest.limit ?? null,
  });

async function readAll(source: Source, wanted: readonly number[]) {
  const files: Uint8Array[] = [];
  await source.read(wanted, async (position, file) => {
    files[position] = file;
  });
  return files;
}

const jpeg = (i: number) => jpegs[i] as Uint8Array;

describe("an image folder", () => {
  it("has its classes and images in the order of code units, and the files as stored", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, {
      "b/2.jpg": jpeg(0),
      "b/10.JPEG": jpeg(1),
      "Z/1.png": jpeg(2),
      "ä/x.jpg": jpeg(3),
    });
    const source = await open(folder);
    expect(source.classes).toEqual(["Z", "b", "ä"]);
    expect(source.items).toEqual([
      { origin: "Z/1.png", label: 0 },
      { origin: "b/10.JPEG", label: 1 },
      { origin: "b/2.jpg", label: 1 },
      { origin: "ä/x.jpg", label: 2 },
    ]);
    const files = await readAll(source, [2, 0]);
    expect(files.map((file) => Buffer.from(file).equals(jpeg(0)))).toEqual([
      true,
      false,
    ]);
    expect(Buffer.from(files[1] as Uint8Array).equals(jpeg(2))).toBe(true);
  });

  it("reads the folder of the split, and takes the whole where there are no splits", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, {
      "train/cat/1.jpg": jpeg(0),
      "test/cat/2.jpg": jpeg(1),
      "test/dog/3.jpg": jpeg(2),
    });
    expect((await open(folder)).items).toHaveLength(1);
    expect((await open(folder, { split: "test" })).classes).toEqual([
      "cat",
      "dog",
    ]);
    const inner = await open(path.join(folder, "test"));
    expect(inner.items).toHaveLength(2);
  });

  it("does not take the other split for a class", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, { "train/cat/1.jpg": jpeg(0) });
    await expect(open(folder, { split: "test" })).rejects.toMatchObject({
      code: "data.split-missing",
    });
  });

  it("without class folders has images without labels", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, { "1.jpg": jpeg(0), "2.jpg": jpeg(1) });
    const source = await open(folder);
    expect(source.classes).toEqual([]);
    expect(source.items.map(({ label }) => label)).toEqual([-1, -1]);
  });

  it("counts everything that it leaves out, by reason", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, {
      "cat/1.jpg": jpeg(0),
      "cat/notes.txt": "",
      "cat/readme.md": "",
      "cat/deep/2.jpg": jpeg(1),
      "cat/.DS_Store": "",
      "loose.jpg": jpeg(1),
    });
    symlinkSync("1.jpg", path.join(folder, "cat/link.jpg"));
    mkdirSync(path.join(folder, "empty"));
    const source = await open(folder);
    expect(source.items).toHaveLength(1);
    expect(source.classes).toEqual(["cat", "empty"]);
    expect(source.leftOut).toEqual([
      {
        reason: "folder inside a class folder",
        count: 1,
        examples: ["cat/deep"],
      },
      { reason: "hidden", count: 1, examples: ["cat/.DS_Store"] },
      {
        reason: "not named .jpg, .jpeg or .png",
        count: 2,
        examples: ["cat/notes.txt", "cat/readme.md"],
      },
      { reason: "outside a class folder", count: 1, examples: ["loose.jpg"] },
      { reason: "symbolic link", count: 1, examples: ["cat/link.jpg"] },
    ]);
  });

  it("takes as many of each class when there is a limit, spread over the class", async () => {
    const folder = await createTemporaryFolder();
    const names = ["a/1", "b/1", "b/2", "b/3", "b/4", "b/5", "c/1", "c/2"];
    writeFiles(
      folder,
      Object.fromEntries(names.map((name) => [`${name}.jpg`, jpeg(0)])),
    );
    const source = await open(folder, { limit: 5 });
    expect(source.items.map(({ origin }) => origin)).toEqual([
      "a/1.jpg",
      "b/1.jpg",
      "b/3.jpg",
      "c/1.jpg",
      "c/2.jpg",
    ]);
    expect(source.classes).toEqual(["a", "b", "c"]);
  });

  it("has the same identity wherever it lies, and another one when a file is added or grows", async () => {
    const [one, two] = [
      await createTemporaryFolder(),
      await createTemporaryFolder(),
    ];
    for (const folder of [one, two])
      writeFiles(folder, { "a/1.jpg": jpeg(0), "b/1.jpg": jpeg(1) });
    const { identity } = await open(one);
    expect((await open(two)).identity).toBe(identity);
    writeFiles(two, { "b/1.jpg": Buffer.concat([jpeg(1), jpeg(1)]) });
    const { identity: grown } = await open(two);
    writeFiles(two, { "b/2.jpg": jpeg(2) });
    const { identity: added } = await open(two);
    expect(new Set([identity, grown, added]).size).toBe(3);
  });

  it.each([
    ["an empty folder", {}, "data.source-empty"],
    ["a folder of texts", { "a/b.txt": "x" }, "data.source-empty"],
  ])("refuses %s, saying what was there", async (_, files, wantCode) => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, files);
    await expect(open(folder)).rejects.toMatchObject({ code: wantCode });
  });

  it("says which file vanished while it was read", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, { "a/1.jpg": jpeg(0) });
    const source = await open(folder);
    const moved = { ...source, items: source.items };
    const { rmSync } = await import("node:fs");
    rmSync(path.join(folder, "a/1.jpg"));
    await expect(readAll(moved, [0])).rejects.toThrow(/a\/1\.jpg.*ENOENT/);
    await expect(readAll(moved, [0])).rejects.toThrow(UserError);
  });
});

describe("a place", () => {
  it.each([
    ["/no/such/folder", "data.source-missing"],
    ["package:no-such-package-at-all", "data.source-missing"],
    ["package:../../etc", "data.source-missing"],
    ["https://host/images", "data.source-unsupported"],
  ])("%s is refused with %s and a hint", async (place, wantCode) => {
    const failure: unknown = await open(place).catch(
      (thrown: unknown) => thrown,
    );
    expect(failure).toMatchObject({ code: wantCode });
    expect((failure as UserError).hint).not.toBeNull();
  });
});
