/**
 * A folder of photographs: `<root>/<split>/<class>/*.jpg`, without the split folder, or without class folders (then
 * there are no labels). Order: classes, then names, by code units, so it is the same on every file system.
 *
 * Takes *.jpg, *.jpeg and *.png, whatever the case. Everything else at the source is counted by reason, never silently
 * skipped (invariant J); links are not followed.
 */
import type { Dirent } from "node:fs";
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { mapBounded } from "../../base/async.ts";
import { systemCode, UserError } from "../../base/errors.ts";
import { isDirectory, type Place } from "./place.ts";
import type { LeftOut, Source, SourceItem, SourceRequest } from "./source.ts";

const IMAGE_NAME = /\.(?:jpe?g|png)$/i;
const EXAMPLES = 5;
const READS_AT_ONCE = 4;
const OTHER_SPLIT = { train: "test", test: "train" } as const;

export async function openImageFolder(
  place: Place,
  request: SourceRequest,
): Promise<Source> {
  const root = await findSplit(place.directory, request.split);
  const listing = await listFolder(root);
  const items = listing.items.slice(0, request.limit ?? listing.items.length);
  if (items.length === 0) throw noImages(root, listing.leftOut);
  return {
    identity: await identityOf(root, items),
    classes: listing.classes,
    items,
    leftOut: listing.leftOut,
    async read(wanted, visit) {
      await mapBounded(wanted, READS_AT_ONCE, async (index, position) => {
        const { origin } = items[index] as SourceItem;
        await visit(position, await readImage(path.join(root, origin)));
      });
    },
  };
}

/** The folder of a split; a source without split folders is one split. */
async function findSplit(
  directory: string,
  split: "train" | "test",
): Promise<string> {
  const own = path.join(directory, split);
  if (await isDirectory(own)) return own;
  const other = path.join(directory, OTHER_SPLIT[split]);
  if (!(await isDirectory(other))) return directory;
  throw new UserError({
    code: "data.split-missing",
    message: `expected a folder '${split}' in '${directory}' beside '${OTHER_SPLIT[split]}', found none`,
    hint: `set split: ${OTHER_SPLIT[split]}, or point the source at the folder that holds the images`,
  });
}

type Listing = {
  readonly classes: readonly string[];
  readonly items: readonly SourceItem[];
  readonly leftOut: readonly LeftOut[];
};

async function listFolder(root: string): Promise<Listing> {
  const leftOut = new LeftOutTally();
  const top = sortEntries(
    await readdir(root, { withFileTypes: true }),
    "",
    leftOut,
  );
  if (top.folders.length === 0)
    return {
      classes: [],
      items: top.images.map((origin) => ({ origin, label: -1 })),
      leftOut: leftOut.list(),
    };
  for (const image of top.images) leftOut.add("outside a class folder", image);
  const perClass = await mapBounded(top.folders, READS_AT_ONCE, (folder) =>
    readdir(path.join(root, folder), { withFileTypes: true }),
  );
  const items = perClass.flatMap((entries, label) => {
    const { images, folders } = sortEntries(
      entries,
      `${top.folders[label]}/`,
      leftOut,
    );
    for (const folder of folders)
      leftOut.add("folder inside a class folder", folder);
    return images.map((origin) => ({ origin, label }));
  });
  return { classes: top.folders, items, leftOut: leftOut.list() };
}

function sortEntries(
  entries: readonly Dirent[],
  prefix: string,
  leftOut: LeftOutTally,
): { readonly images: string[]; readonly folders: string[] } {
  const images: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    const origin = prefix + entry.name;
    if (entry.name.startsWith(".")) leftOut.add("hidden", origin);
    else if (entry.isSymbolicLink()) leftOut.add("symbolic link", origin);
    else if (entry.isDirectory()) folders.push(origin);
    else if (!entry.isFile()) leftOut.add("not a regular file", origin);
    else if (IMAGE_NAME.test(entry.name)) images.push(origin);
    else leftOut.add("not named .jpg, .jpeg or .png", origin);
  }
  return { images: images.sort(byCodeUnit), folders: folders.sort(byCodeUnit) };
}

class LeftOutTally {
  readonly #origins = new Map<string, string[]>();

  add(reason: string, origin: string): void {
    const origins = this.#origins.get(reason) ?? [];
    origins.push(origin);
    this.#origins.set(reason, origins);
  }

  list(): LeftOut[] {
    return [...this.#origins]
      .map(([reason, origins]) => ({
        reason,
        count: origins.length,
        examples: origins.sort(byCodeUnit).slice(0, EXAMPLES),
      }))
      .sort((a, b) => byCodeUnit(a.reason, b.reason));
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Names and sizes: cheap, and enough to see that two parts of one dataset did not see the same folder. */
async function identityOf(
  root: string,
  items: readonly SourceItem[],
): Promise<string> {
  const hash = createHash("sha256");
  const sizes = await mapBounded(items, 16, async ({ origin }) => {
    return (await stat(path.join(root, origin))).size;
  });
  for (const [i, { origin, label }] of items.entries())
    hash.update(`${origin}\0${label}\0${sizes[i]}\n`);
  return `image-folder:${hash.digest("hex")}`;
}

async function readImage(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code !== "ENOENT" && code !== "EACCES") throw thrown;
    throw new UserError({
      code: "data.source-unreadable",
      message: `'${file}' was listed and can not be read (${code})`,
      hint: "make the file readable and leave the folder unchanged while the stage runs, then retry",
      cause: thrown,
    });
  }
}

function noImages(root: string, leftOut: readonly LeftOut[]): UserError {
  const rest = leftOut
    .map(({ reason, count }) => `${count} ${reason}`)
    .join(", ");
  return new UserError({
    code: "data.source-empty",
    message: `expected images (.jpg, .jpeg, .png) in '${root}', found none${rest && ` (left out: ${rest})`}`,
    hint: "lay the images out as <folder>/<class>/<image>, or put them all directly into the folder",
  });
}
