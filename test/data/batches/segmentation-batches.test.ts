import { execFileSync } from "node:child_process";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { placeOf } from "../../../src/data/batches/augment.ts";
import { createSegmentationBatches } from "../../../src/data/batches/segmentation-batches.ts";
import type { Images } from "../../../src/data/images/image-set.ts";
import { openLoadedImages } from "../../../src/data/images/loaded-images.ts";
import { toGray } from "../../../src/data/pixels/color.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";
import { photographPack, readPhotographs } from "../../support/photographs.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const imageSize = { width: 32, height: 32 };
const options = {
  imageSize,
  seed: 3,
  batch: 2,
  locations: 40,
  border: 4,
  classes: 21,
};

/** Two photographs whose masks say the column, and void in the upper half of the second. */
async function createImages(
  masks: (i: number, y: number, x: number) => number,
): Promise<Images> {
  const photographs = await readPhotographs(2);
  return {
    size: 2,
    pixels: Uint8Array.from(photographs.flatMap(({ pixels }) => [...pixels])),
    masks: Uint8Array.from({ length: 2048 }, (_, at) =>
      masks(at >> 10, (at >> 5) & 31, at & 31),
    ),
    labels: Int32Array.of(-1, -1),
    samples: Int32Array.of(17, 4),
    epochs: Int32Array.of(2, 3),
  };
}
const byColumn = (i: number, y: number, x: number): number =>
  i === 1 && y < 16 ? 255 : x % 21;

describe("a segmentation batch", () => {
  it("has the class of each sampled place, and no weight where the mask is void", async () => {
    const images = await createImages(byColumn);
    const batch = createSegmentationBatches(options)(images);
    expect(batch.gray).toEqual(toGray(images.pixels));
    let voids = 0;
    for (let i = 0; i < 2; i++)
      for (let k = 0; k < 40; k++) {
        const row = i * 40 + k;
        const at = {
          epoch: images.epochs[i] as number,
          sample: images.samples[i] as number,
        };
        const { y, x } = placeOf(3, at, k, { ...imageSize, border: 4 });
        expect([batch.ys[row], batch.xs[row]]).toEqual([y, x]);
        const found = byColumn(i, y, x);
        voids += found === 255 ? 1 : 0;
        expect(batch.weights[row]).toBe(found === 255 ? 0 : 1);
        expect(batch.labels[row]).toBe(found === 255 ? 0 : found);
      }
    expect(voids).toBeGreaterThan(5);
    expect(voids).toBeLessThan(35);
  });

  it("stays valid while the next one is filled", async () => {
    const toBatch = createSegmentationBatches(options);
    const first = toBatch(await createImages(byColumn));
    const kept = structuredClone(first);
    toBatch(await createImages(() => 7));
    expect(first).toEqual(kept);
  });

  it("is refused without masks, and with a class that there is not", async () => {
    const images = await createImages(() => 21);
    const toBatch = createSegmentationBatches(options);
    expect(() => toBatch(images)).toThrow(
      "expected classes 0 to 20 or 255 in a mask; sample 17 has class 21",
    );
    expect(() => toBatch({ ...images, masks: null })).toThrow(
      /expected images with segmentation masks/,
    );
    expect(() => createSegmentationBatches({ ...options, border: 16 })).toThrow(
      /no place is left/,
    );
  });

  it.skipIf(!photographPack("voc2012-seg.tar"))(
    "is made of photographs and masks that one rectangle was cut from (needs ../shared/data/voc2012-seg.tar)",
    async () => {
      const folder = await createTemporaryFolder();
      const pack = photographPack("voc2012-seg.tar") as string;
      execFileSync("tar", ["xf", pack, "-C", folder]);
      const store = createFileStore({ directory: path.join(folder, "store") });
      const source = path.join(folder, "voc2012-seg");
      const { catalog } = await packDataset(
        { source, format: "voc", split: "val", limit: 12 },
        { store },
      );
      const crop = {
        side: 448,
        scale: { kind: "none" as const },
        place: "random" as const,
        mirror: true,
      };
      const images = await openLoadedImages(store, catalog, {
        seed: 1,
        training: crop,
        measuring: crop,
        withMasks: true,
        views: 1,
        workers: 2,
        maxBytes: 2 ** 27,
        cache: null,
        signal: new AbortController().signal,
      });
      const stream = await images.train({
        seed: 1,
        batch: 6,
        mirror: true,
        fromStep: 0,
      });
      const toBatch = createSegmentationBatches({
        imageSize: images.imageSize,
        seed: 1,
        batch: 6,
        locations: 128,
        border: 32,
        classes: 21,
      });
      const classes = new Set<number>();
      for (const step of [0, 1]) {
        const found = await stream.batch(step);
        const { ys, xs, labels, weights } = toBatch(found);
        for (let row = 0; row < 6 * 128; row++) {
          const at = (ys[row] as number) * 448 + (xs[row] as number);
          const value = found.masks?.[(row >> 7) * 448 * 448 + at];
          expect(weights[row]).toBe(value === 255 ? 0 : 1);
          if (value !== 255) expect(labels[row]).toBe(value);
          classes.add(labels[row] as number);
        }
      }
      await stream.close();
      // The background, and at least the animals that this set is of.
      expect(classes.size).toBeGreaterThan(3);
    },
    60_000,
  );
});
