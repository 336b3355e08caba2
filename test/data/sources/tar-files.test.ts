import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openBucketTree } from "../../../src/data/places/file-tree.ts";
import {
  openSource,
  openSourceOf,
  type Source,
} from "../../../src/data/sources/source.ts";
import { readArtifactFile } from "../../../src/store/artifacts/artifact.ts";
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
  const images = await readPhotographs(3);
  jpegs = await Promise.all(
    images.map((image) => toSharp(image).jpeg().toBuffer()),
  );
});
const jpeg = (i: number) => jpegs[i] as Buffer;

/** Packs files with GNU tar into `<folder>/<name>`. */
async function pack(
  folder: string,
  name: string,
  files: Readonly<Record<string, Uint8Array | string>>,
  options: readonly string[] = ["--format=ustar"],
): Promise<void> {
  const loose = await createTemporaryFolder();
  writeFiles(loose, files);
  const archive = path.join(folder, name);
  writeFiles(folder, { [name]: "" });
  execFileSync("tar", ["cf", archive, ...options, "-C", loose, "."]);
}

const request = (source: string, limit: number | null = null) =>
  ({ source, format: "tar", split: "train", limit }) as const;

const facts = ({ items, classes }: Source) =>
  items
    .map(({ origin, label }) => [origin, classes[label] ?? null] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));

describe("tar files", () => {
  it("inside an archive, as ILSVRC2012_img_train.tar has them, are read where they lie", async () => {
    const inner = await createTemporaryFolder();
    await pack(inner, "n01440764.tar", {
      "n01440764_1.JPEG": jpeg(0),
      "deep.tar": "",
    });
    await pack(inner, "n02086240.tar", { "ILSVRC2012_7.JPEG": jpeg(1) });
    await pack(inner, "deepest.tar", { "x.jpg": jpeg(0) });
    const deepest = readFileSync(path.join(inner, "deepest.tar"));
    await pack(inner, "n03000684.tar", {
      "n03000684_2.JPEG": jpeg(2),
      "too-deep.tar": deepest,
    });
    const folder = await createTemporaryFolder();
    const member = (name: string) => readFileSync(path.join(inner, name));
    await pack(folder, "train.tar", {
      "n01440764.tar": member("n01440764.tar"),
      "n02086240.tar": member("n02086240.tar"),
      "n03000684.tar": member("n03000684.tar"),
    });
    const source = await openSource(request(folder));
    expect(facts(source)).toEqual([
      ["train.tar#n01440764.tar#n01440764_1.JPEG", "n01440764"],
      ["train.tar#n02086240.tar#ILSVRC2012_7.JPEG", "n02086240"],
      ["train.tar#n03000684.tar#n03000684_2.JPEG", "n03000684"],
    ]);
    expect(source.leftOut).toEqual([
      {
        reason: "an archive two archives deep",
        count: 2,
        examples: [
          "train.tar#n01440764.tar#deep.tar",
          "train.tar#n03000684.tar#too-deep.tar",
        ],
      },
    ]);
    const wantBytes = new Map(
      [0, 1, 2].map((i) => [
        ["n01440764", "n02086240", "n03000684"][i],
        jpeg(i),
      ]),
    );
    await source.read([0, 1, 2], (position, file) => {
      const { label } = source.items[position] as Source["items"][number];
      expect(Buffer.from(file)).toEqual(wantBytes.get(source.classes[label]));
      return Promise.resolve();
    });
  });

  it("of a class each, as ImageNet has them, are classes by the archives' names", async () => {
    const folder = await createTemporaryFolder();
    await pack(folder, "n01440764.tar", { "n01440764_1.JPEG": jpeg(0) });
    await pack(folder, "n02086240.tar", { "n02086240_7.JPEG": jpeg(1) });
    const source = await openSource(request(folder));
    expect(facts(source)).toEqual([
      ["n01440764.tar#n01440764_1.JPEG", "n01440764"],
      ["n02086240.tar#n02086240_7.JPEG", "n02086240"],
    ]);
    await source.read([1], async (position, file) => {
      expect([position, Buffer.from(file).equals(jpeg(1))]).toEqual([0, true]);
    });
  });

  it("with folders have them as classes, whatever format of names and times the archive has", async () => {
    const long = `${"x".repeat(90)}/${"y".repeat(120)}.jpg`;
    const files = {
      "cat/1.jpg": jpeg(0),
      "dog/ü.png": jpeg(1),
      [long]: jpeg(2),
    };
    for (const format of ["gnu", "pax"]) {
      const folder = await createTemporaryFolder();
      await pack(folder, "all.tar", files, [`--format=${format}`]);
      const source = await openSource(request(folder));
      expect(source.classes).toEqual(["cat", "dog", "x".repeat(90)]);
      expect(facts(source)).toContainEqual([`all.tar#${long}`, "x".repeat(90)]);
      expect(facts(source)).toContainEqual(["all.tar#dog/ü.png", "dog"]);
    }
  });

  it("as WebDataset has them take classes from the members beside the images", async () => {
    const folder = await createTemporaryFolder();
    await pack(folder, "train/shard-0.tar", {
      "0001.jpg": jpeg(0),
      "0001.cls": "2",
      "0002.jpg": jpeg(1),
      "0002.json": '{"label": 0, "labelName": "cat"}',
      "0003.jpg": jpeg(2),
      "0003.txt": "a caption",
      "0003.mask.png": "not looked at",
    });
    const source = await openSource(request(folder));
    expect(source.classes).toEqual(["cat", "1", "2"]);
    expect(facts(source)).toEqual([
      ["train/shard-0.tar#0001.jpg", "2"],
      ["train/shard-0.tar#0002.jpg", "cat"],
      ["train/shard-0.tar#0003.jpg", null],
    ]);
    expect(source.leftOut).toMatchObject([
      { count: 1, examples: ["train/shard-0.tar#0003.mask.png"] },
      { count: 1, examples: ["train/shard-0.tar#0003.txt"] },
    ]);
  });

  it("are what this program packs, too: the same images under the same labels", async () => {
    const folder = await createTemporaryFolder();
    const images = {
      "cat/1.jpg": jpeg(0),
      "cat/2.jpg": jpeg(1),
      "dog/3.jpg": jpeg(2),
    };
    writeFiles(folder, images);
    const one = await packDataset({ source: folder, format: "image-folder" });
    const again = await createTemporaryFolder();
    const [part] = one.parts as [(typeof one.parts)[0]];
    const tar = await readArtifactFile(
      one.store,
      part,
      "shard-00000-of-00001.tar",
    );
    writeFileSync(path.join(again, "a.tar"), tar);
    const two = await openSource(request(again));
    expect(two.classes).toEqual(["cat", "dog"]);
    expect(
      two.items.map(({ label }) => label).toSorted((a, b) => a - b),
    ).toEqual([0, 0, 1]);
  });

  it("in a bucket are read by ranges, and are the same source as on disk", async () => {
    const folder = await createTemporaryFolder();
    await pack(folder, "all.tar", {
      "cat/1.jpg": jpeg(0),
      "dog/2.jpg": jpeg(1),
    });
    const store = createMemoryStore();
    await store.put("all.tar", readFileSync(path.join(folder, "all.tar")));
    const there = await openSourceOf(await openBucketTree(store), request(""));
    const here = await openSource(request(folder));
    expect(there.items).toEqual(here.items);
    expect(there.identity).toBe(here.identity);
    const seen: boolean[] = [];
    await there.read([0, 1], async (position, file) => {
      const { origin } = here.items[position] as { origin: string };
      const want = jpeg(origin.includes("cat") ? 0 : 1);
      seen.push(Buffer.from(file).equals(want));
    });
    expect(seen).toEqual([true, true]);
  });

  it("count links and refuse what is no tar, naming the archive", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, { "a.tar": Buffer.alloc(2048, 1), "b.txt": "x" });
    await expect(openSource(request(folder))).rejects.toMatchObject({
      code: "data.source-malformed",
      message: expect.stringContaining("'a.tar'"),
    });
  });

  it("refuse a folder without archives", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, { "a.jpg": jpeg(0) });
    await expect(openSource(request(folder))).rejects.toMatchObject({
      code: "data.source-empty",
    });
  });
});
