import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  openBucketTree,
  openFolderTree,
  orUnreadable,
  type FileTree,
  type TreeFile,
} from "../../../src/data/places/file-tree.ts";
import { checkUnchanged, listingOf } from "../../../src/data/places/place.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { writeFiles } from "../../support/photographs.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const files = { "b/2.jpg": "two", "a-b.txt": "x", "a/1.jpg": "one" };

type Opened = { readonly tree: FileTree; readonly folder: string };

/** The same files in a folder, and in a store. */
const places: readonly [string, () => Promise<Opened>][] = [
  [
    "a folder",
    async () => {
      const folder = await createTemporaryFolder();
      writeFiles(folder, files);
      return { tree: await openFolderTree(folder, null), folder };
    },
  ],
  [
    "a bucket",
    async () => {
      const folder = await createTemporaryFolder();
      const store = createFileStore({ directory: folder });
      for (const [name, text] of Object.entries(files))
        await store.put(name, Buffer.from(text));
      return { tree: await openBucketTree(store), folder };
    },
  ],
];

const fileOf = (tree: FileTree, name: string): TreeFile => {
  const file = tree.files.find((candidate) => candidate.path === name);
  if (!file) throw new Error(`no ${name}`);
  return file;
};

describe.each(places)("the files of %s", (_, openTree) => {
  it("are listed by the code units of their paths, with their sizes", async () => {
    const { tree } = await openTree();
    expect(tree.files.map((file) => [file.path, file.sizeBytes])).toEqual([
      ["a-b.txt", 1],
      ["a/1.jpg", 3],
      ["b/2.jpg", 3],
    ]);
  });

  it("are read whole and by ranges", async () => {
    const { tree } = await openTree();
    const file = fileOf(tree, "b/2.jpg");
    expect(Buffer.from(await tree.read(file)).toString()).toBe("two");
    const range = { offset: 1, length: 2 };
    const part = await tree.readRange(file, range);
    expect(Buffer.from(part).toString()).toBe("wo");
  });

  it("that change or go while they are read are named", async () => {
    const { tree, folder } = await openTree();
    const [grown, gone] = [fileOf(tree, "a/1.jpg"), fileOf(tree, "b/2.jpg")];
    writeFileSync(path.join(folder, "a/1.jpg"), "longer");
    rmSync(path.join(folder, "b/2.jpg"));
    await expect(tree.read(grown)).rejects.toMatchObject({
      code: "data.source-changed",
      message: expect.stringContaining("a/1.jpg"),
    });
    writeFileSync(path.join(folder, "a/1.jpg"), "");
    await expect(
      tree.readRange(grown, { offset: 0, length: 3 }),
    ).rejects.toMatchObject({ code: "data.source-changed" });
    await expect(tree.read(gone)).rejects.toMatchObject({
      code: "data.source-unreadable",
      message: expect.stringContaining("b/2.jpg"),
    });
  });

  it("are held to what a plan found there", async () => {
    const { tree } = await openTree();
    const planned = `sha256:abc,${listingOf(tree)}`;
    expect(() => checkUnchanged(tree, planned)).not.toThrow();
    const added = { path: "c", sizeBytes: 1, modifiedAtMs: 0 };
    const other = { ...tree, files: [...tree.files, added] };
    expect(() => checkUnchanged(other, planned)).toThrow(
      /not those that the run was planned with/,
    );
  });
});

describe("a file that the system does not let us read", () => {
  it.each(["EACCES", "ENOENT", "EISDIR", "ENOTDIR"])(
    "is named (%s)",
    async (code) => {
      const refuse = async () => {
        throw Object.assign(new Error(code), { code });
      };
      await expect(orUnreadable("a/1.jpg", refuse)).rejects.toMatchObject({
        code: "data.source-unreadable",
        message: `'a/1.jpg' belongs to the source and can not be read (${code})`,
      });
    },
  );

  it("may still be a fault of ours: anything else is thrown as it is", async () => {
    const bug = new TypeError("no such method");
    const fail = () => Promise.reject(bug);
    await expect(orUnreadable("a/1.jpg", fail)).rejects.toBe(bug);
  });
});

describe("what a listing tells", () => {
  it("of a bucket knows when an object was written again, of a folder only names and sizes", async () => {
    const store = createMemoryStore();
    await store.put("a.jpg", Buffer.from("one"));
    const tree = await openBucketTree(store);
    const later = tree.files.map((file) => ({ ...file, modifiedAtMs: 1 }));
    expect(listingOf({ ...tree, files: later })).not.toBe(listingOf(tree));
    const folder = { ...tree, directory: "/somewhere" };
    expect(listingOf({ ...folder, files: later })).toBe(listingOf(folder));
  });
});
