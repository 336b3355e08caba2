/** Real photographs as a packed dataset in a folder: JPEG files of several sizes, in many shards. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { readTar } from "../../src/data/shards/tar-reader.ts";
import { createFileStore } from "../../src/store/fs.ts";
import { packDataset, type DatasetArtifacts } from "./dataset-artifacts.ts";
import { readPhotographs, toSharp, writeFiles } from "./photographs.ts";

type Files = Readonly<Record<string, Uint8Array>>;

/** Small photographs, JPEG but for a few PNG, in five classes. */
export async function createPhotographs(count: number): Promise<Files> {
  const files: Record<string, Uint8Array> = {};
  for (const [i, image] of (await readPhotographs(count)).entries()) {
    const size = { width: 40 + ((i * 7) % 30), height: 40 + ((i * 11) % 20) };
    const picture = toSharp(image).resize({ ...size, fit: "fill" });
    if (i % 20 === 19) files[nameOf(i, "png")] = await picture.png().toBuffer();
    else files[nameOf(i, "jpg")] = await picture.jpeg().toBuffer();
  }
  return files;
}

/** The first photographs of a pack (`photographPack`), in five classes of no meaning. */
export function readPack(pack: string, count: number): Files {
  const tar = readFileSync(pack);
  const members = readTar(tar).filter(({ name }) => name.endsWith(".jpg"));
  return Object.fromEntries(
    members
      .slice(0, count)
      .map(({ offset, sizeBytes }, i) => [
        nameOf(i, "jpg"),
        tar.subarray(offset, offset + sizeBytes),
      ]),
  );
}

/** Packs files to shards in the store `folder/store`. */
export async function packFiles(
  folder: string,
  { files, shards }: { readonly files: Files; readonly shards: number },
): Promise<DatasetArtifacts> {
  const source = path.join(folder, "photographs");
  writeFiles(source, files);
  const store = createFileStore({ directory: path.join(folder, "store") });
  return await packDataset(
    { source, format: "image-folder", shards },
    { store },
  );
}

const nameOf = (i: number, extension: string) =>
  `class-${i % 5}/${String(i).padStart(5, "0")}.${extension}`;
