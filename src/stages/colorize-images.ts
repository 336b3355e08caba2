/**
 * Colours image files of any size with a pretrained colorizer, for people to look at (`hueline colorize`).
 *
 * The network sees a photograph at about the scale of those that it learned from; its colours are then enlarged and laid over
 * the gray of the full-size image, whose detail stays. A picture's mean gray is that of the original, apart from clipping.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { UserError } from "../base/errors.ts";
import { toByte, toGray, GRAY_MEAN } from "../data/pixels/color.ts";
import { encodePng } from "../data/pixels/decode.ts";
import type { Image } from "../data/pixels/image.ts";
import type { Engine } from "../engine/engine.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";
import { createColorizer } from "./evaluate/_colorizer.ts";
import { openStageEngine } from "./_context.ts";
import { openModelFiles, type ModelFiles } from "./_model-files.ts";
import { readPictureFile } from "./_picture-file.ts";
import { enlarge, shrink, type Plane } from "./evaluate/_resample.ts";
import type { EngineOptions } from "./stage.ts";

/** Shorter side, in pixels, that photographs are shrunk to at least before the network sees them. */
const SHORTER_SIDE = 128;

export type ColorizeImagesOptions = {
  readonly store: Store;
  /** Of a pretrain artifact. */
  readonly manifest: Manifest;
  /** Paths of JPEG, PNG or PPM files; their colours, if any, are not looked at. */
  readonly images: readonly string[];
  /** Made if absent; gets `<name>.colorized.png` for each image. */
  readonly outputDirectory: string;
  readonly engine: EngineOptions;
};

/** Returns each image with the path of its picture, in order. @throws UserError `colorize.image` naming the file. */
export async function colorizeImages(
  options: ColorizeImagesOptions,
): Promise<readonly { readonly image: string; readonly output: string }[]> {
  const { store, manifest, images, outputDirectory } = options;
  const files = openModelFiles(store, manifest);
  checkNames(images);
  // All are looked at before the first is coloured, and read again then: decoded photographs are large, and many.
  for (const image of images) await readPictureFile(image, "colorize.image");
  const engine = openStageEngine(options.engine);
  await mkdir(outputDirectory, { recursive: true });
  const written = [];
  for (const image of images) {
    const output = join(outputDirectory, outputName(image));
    const picture = await colorizeImage(
      engine,
      files,
      await readPictureFile(image, "colorize.image"),
    );
    await writeFile(output, await encodePng(picture));
    written.push({ image, output });
  }
  return written;
}

function outputName(image: string): string {
  return `${basename(image, extname(image))}.colorized.png`;
}

/** Two pictures with one name would overwrite each other. */
function checkNames(images: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const image of images) {
    const other = seen.get(outputName(image));
    if (other !== undefined)
      throw new UserError({
        code: "colorize.same-name",
        message: `'${other}' and '${image}' would both be written as ${outputName(image)}`,
        hint: "colorize them one by one, into different folders",
      });
    seen.set(outputName(image), image);
  }
}

async function colorizeImage(
  engine: Engine,
  files: ModelFiles,
  photograph: Image,
): Promise<Image> {
  const { width, height } = photograph;
  const gray: Plane = { width, height, values: toGray(photograph.pixels) };
  const factor = Math.max(
    1,
    Math.floor(Math.min(width, height) / SHORTER_SIDE),
  );
  const small = shrink(gray, factor);
  const colorizer = await createColorizer({
    engine,
    files,
    batch: 1,
    width: small.width,
    height: small.height,
  });
  try {
    const [picture] = await colorizer.colorize(small.values);
    if (!picture) throw new Error("the colorizer returned no picture");
    return overlay(gray, enlarge(tints(picture, small), factor, gray));
  } finally {
    await colorizer.close();
  }
}

/** What the colours add to gray, per channel, in [−1, 1]. */
function tints({ width, height, pixels }: Image, gray: Plane): Plane {
  const values = Float32Array.from(
    pixels,
    (byte, i) =>
      byte / 255 - (gray.values[Math.floor(i / 3)] as number) - GRAY_MEAN,
  );
  return { width, height, values };
}

function overlay({ width, height, values }: Plane, tint: Plane): Image {
  const pixels = Uint8Array.from(tint.values, (added, i) =>
    toByte((values[Math.floor(i / 3)] as number) + GRAY_MEAN + added),
  );
  return { width, height, pixels };
}
