import { execFileSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSampleCropper } from "../../../src/data/crops/crop-sample.ts";
import { placeCrop, VOID_CLASS } from "../../../src/data/crops/place-crop.ts";
import type { Crop } from "../../../src/data/loader/loader.ts";
import { openLoader } from "../../../src/data/loader/open-loader.ts";
import { openSampleTable } from "../../../src/data/shards/sample-table.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";
import {
  loaderOptions,
  upTo,
  type LoaderDataset,
} from "../../support/loader-dataset.ts";
import { photographPack } from "../../support/photographs.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

const pack = photographPack("voc2012-seg.tar");
const [SIDE, BATCH, COUNT] = [96, 8, 24];
/** Some images are scaled to less than the square, so that there is padding. */
const crop: Crop = {
  side: SIDE,
  scale: { kind: "factor", min: 0.1, max: 0.6 },
  place: "random",
  mirror: true,
};

describe.skipIf(!pack)(
  "a loader with masks (needs ../shared/data/voc2012-seg.tar)",
  () => {
    let dataset: LoaderDataset;
    let removeFolder: () => Promise<void>;
    beforeAll(async () => {
      const { folder, remove } = await openTemporaryFolder();
      removeFolder = remove;
      execFileSync("tar", ["xf", pack ?? "", "-C", folder]);
      const store = createFileStore({ directory: `${folder}/store` });
      const source = path.join(folder, "voc2012-seg");
      const { catalog } = await packDataset(
        { source, format: "voc", shards: 2, limit: COUNT },
        { store },
      );
      const table = await openSampleTable(store, catalog);
      dataset = { ...table, store, catalog };
    });
    afterAll(() => removeFolder());

    it("crops image and mask at the same place, with the classes of the file and void around", async () => {
      const options = loaderOptions(dataset, { batch: BATCH, crop });
      const loader = await openLoader({ ...options, withMasks: true });
      const cropper = createSampleCropper();
      const found = new Set<number>();
      for (const step of upTo(COUNT / BATCH)) {
        const { pixels, masks, samples, epochs } = await loader.batch(step);
        for (const [i, sample] of samples.entries()) {
          const at = { seed: 1, epoch: epochs[i] ?? -1, sample };
          const record = dataset.table.record(sample);
          const placement = placeCrop(crop, record, at);
          const place = { placement, side: SIDE };
          const image = await cropper.crop(
            await readFile(sample, record),
            record,
            place,
          );
          const area = SIDE * SIDE;
          const own = pixels.subarray(i * area * 3, (i + 1) * area * 3);
          expect(Buffer.from(own).equals(image)).toBe(true);
          if (!record.mask) throw new Error("an image of VOC has no mask");
          const square = new Uint8Array(area);
          const file = await readFile(sample, record.mask);
          cropper.cropMask(file, record, { ...place, square });
          const mask = (masks as Uint8Array).subarray(i * area, (i + 1) * area);
          expect(Buffer.from(mask).equals(square)).toBe(true);
          for (const value of mask) found.add(value);
        }
      }
      await loader.close();
      expect(found.has(VOID_CLASS)).toBe(true);
      expect(found.has(0)).toBe(true);
      expect(found.size).toBeGreaterThan(5);
      for (const value of found)
        expect(value <= 20 || value === VOID_CLASS).toBe(true);
    });

    it("gives ranks their parts of the masks, and the same pixels without masks", async () => {
      const options = loaderOptions(dataset, { batch: BATCH, crop });
      const read = async (more: { rank?: number; withMasks?: boolean }) => {
        const ranks = more.rank === undefined ? 1 : 2;
        const loader = await openLoader({
          ...options,
          ranks,
          workers: 1,
          ...more,
        });
        const { pixels, masks } = await loader.batch(1);
        const copies = { pixels: pixels.slice(), masks: masks?.slice() };
        await loader.close();
        return copies;
      };
      const whole = await read({ withMasks: true });
      const bare = await read({});
      expect(bare.masks).toBeUndefined();
      expect(Buffer.from(bare.pixels).equals(whole.pixels)).toBe(true);
      const area = SIDE * SIDE;
      for (const rank of [0, 1]) {
        const { masks } = await read({ rank, withMasks: true });
        for (const i of upTo(BATCH / 2)) {
          const own = masks?.subarray(i * area, (i + 1) * area);
          const at = 2 * i + rank;
          const want = whole.masks?.subarray(at * area, (at + 1) * area);
          expect(Buffer.from(own ?? []).equals(want ?? Buffer.of(1))).toBe(
            true,
          );
        }
      }
    });

    async function readFile(
      sample: number,
      file: { readonly offset: number; readonly sizeBytes: number },
    ): Promise<Buffer> {
      const { store, shardPaths, table } = dataset;
      const shard = shardPaths[table.shardOf(sample)] as string;
      const range = { offset: file.offset, length: file.sizeBytes };
      return Buffer.from((await store.read(shard, range)) ?? []);
    }
  },
);
