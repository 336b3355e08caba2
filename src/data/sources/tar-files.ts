/**
 * Tar files of photographs, as ImageNet and WebDataset have them: *.tar in a folder or bucket, below the split's folder
 * if there is one. Images (*.jpg, *.jpeg, *.png) are read by their range; nothing is unpacked. An archive may hold archives, as
 * ILSVRC2012_img_train.tar holds one for each class: they are read where they lie, one level deep.
 *
 * Order: archives by name, members as they stand, those of an archive in an archive in its place. The class of an image is, first that applies:
 * 1. what the member of the same name says: `.cls` (a number or a name) or `.json` (`labelName`, `label`, `class` or
 *    `cls`) beside it, as in WebDataset;
 * 2. its folder in the archive;
 * 3. the archive's name, if the image's name begins with it, as in ImageNet's n01440764.tar/n01440764_10026.JPEG, or if the archive
 *    lies in an archive and is named by a WordNet id.
 * Else it has none. Masks (`.mask.png`) are counted, not taken. A source of several parts is walked by each: every header is read once a part.
 */
import { createHash } from "node:crypto";
import { mapBounded } from "../../base/async.ts";
import { toError, UserError } from "../../base/errors.ts";
import { TarError } from "../shards/tar-reader.ts";
import type { FileTree, TreeFile } from "../places/file-tree.ts";
import { LeftOutTally } from "../places/left-out.ts";
import { readAhead } from "../places/read-ahead.ts";
import type { Source, SourceItem, SourceRequest } from "./source.ts";
import { splitPrefix } from "../places/split-prefix.ts";
import { takeSpread } from "./take-spread.ts";
import { createClassNumbers, labelOf, type TarLabel } from "./tar-labels.ts";
import { tarMembers, type TarMemberFound } from "../places/tar-members.ts";

const IMAGE_NAME = /\.(?:jpe?g|png)$/i;
const MASK_NAME = /\.mask\.png$/;
const WORDNET_ID = /^n\d{8}$/;
const LABEL_NAME = /\.(?:cls|json)$/;
/** A label member that is larger is something else. */
const MAX_LABEL_BYTES = 64 * 2 ** 10;
const ARCHIVES_AT_ONCE = 4;

type TarItem = SourceItem & {
  readonly file: TreeFile;
  readonly offset: number;
  readonly sizeBytes: number;
};

export async function openTarFiles(
  tree: FileTree,
  request: SourceRequest,
): Promise<Source> {
  const prefix = splitPrefix(tree, request.split);
  const leftOut = new LeftOutTally();
  for (const { origin, reason } of tree.leftOut) leftOut.add(reason, origin);
  const archives = tree.files.filter((file) => {
    if (!file.path.startsWith(prefix)) return false;
    if (file.path.endsWith(".tar")) return true;
    leftOut.add("not named .tar", file.path);
    return false;
  });
  const walked = await mapBounded(archives, ARCHIVES_AT_ONCE, (archive) =>
    walkFile(tree, archive, leftOut),
  );
  const found = walked.flat();
  const { classes, numberOf } = createClassNumbers(
    found.map(({ label }) => label),
  );
  const all = found.map(({ label, ...item }): TarItem => ({
    ...item,
    label: numberOf(label),
  }));
  const items = takeSpread(all, request.limit);
  if (items.length === 0) throw noImages(tree, prefix);
  return {
    identity: identityOf(items),
    classes,
    items: items.map(({ origin, label }) => ({ origin, label })),
    leftOut: leftOut.list(),
    read: (wanted, visit) =>
      readAhead(
        wanted.map((index) => items[index] as TarItem),
        {
          sizeBytes: ({ sizeBytes }) => sizeBytes,
          read: ({ file, offset, sizeBytes }) =>
            tree.readRange(file, { offset, length: sizeBytes }),
          use: (position, _, bytes) => visit(position, bytes),
        },
      ),
  };
}

type Found = Omit<TarItem, "label" | "labels"> & {
  readonly label: TarLabel | null;
};

/** An archive: a file, or a member of one. */
type Archive = {
  readonly file: TreeFile;
  /** The file's path, with `#` and the member's name. */
  readonly name: string;
  /** Where it begins in the file. */
  readonly start: number;
  readonly sizeBytes: number;
  readonly isInside: boolean;
};

async function walkFile(
  tree: FileTree,
  file: TreeFile,
  leftOut: LeftOutTally,
): Promise<Found[]> {
  const { path: name, sizeBytes } = file;
  const archive = { file, name, start: 0, sizeBytes, isInside: false };
  try {
    return await walkArchive(tree, archive, leftOut);
  } catch (thrown) {
    if (!(thrown instanceof TarError)) throw thrown;
    throw malformed(tree, file, thrown);
  }
}

async function walkArchive(
  tree: FileTree,
  archive: Archive,
  leftOut: LeftOutTally,
): Promise<Found[]> {
  const { file, start, sizeBytes } = archive;
  const found: (TarMemberFound | readonly Found[])[] = [];
  const labels = new Map<string, TarLabel>();
  const read = (range: { offset: number; length: number }) =>
    tree.readRange(file, { ...range, offset: start + range.offset });
  for await (const member of tarMembers({ sizeBytes, read })) {
    const { name, type, offset, sizeBytes: length } = member;
    const origin = `${archive.name}#${name}`;
    if (type !== "0") leftOut.add("not a regular file", origin);
    else if (MASK_NAME.test(name)) leftOut.add("a mask", origin);
    else if (IMAGE_NAME.test(name)) found.push(member);
    else if (name.endsWith(".tar") && archive.isInside)
      leftOut.add("an archive two archives deep", origin);
    else if (name.endsWith(".tar")) {
      const inner = {
        file,
        name: origin,
        start: start + offset,
        sizeBytes: length,
        isInside: true,
      };
      found.push(await walkArchive(tree, inner, leftOut));
    } else if (!LABEL_NAME.test(name) || length > MAX_LABEL_BYTES)
      leftOut.add("not named .jpg, .jpeg or .png", origin);
    else {
      const label = labelOf(name, await read({ offset, length }));
      if (label) labels.set(keyOf(name), label);
    }
  }
  return found.flatMap((item) =>
    "name" in item
      ? [
          {
            origin: `${archive.name}#${item.name}`,
            label:
              labels.get(keyOf(item.name)) ?? placeLabel(item.name, archive),
            file,
            offset: start + item.offset,
            sizeBytes: item.sizeBytes,
          },
        ]
      : item,
  );
}

/** WebDataset's key of a member: all of it before the first dot of its base name. */
function keyOf(name: string): string {
  const base = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", base);
  return dot < 0 ? name : name.slice(0, dot);
}

/** The class that an image has by where it lies. */
function placeLabel(name: string, archive: Archive): TarLabel | null {
  const parts = name.split("/");
  const folder = parts.at(-2);
  if (folder !== undefined) return { name: folder, number: null };
  const stem =
    archive.name.split(/[/#]/).at(-1)?.slice(0, -".tar".length) ?? "";
  const isClass =
    name.startsWith(`${stem}_`) || (archive.isInside && WORDNET_ID.test(stem));
  return isClass ? { name: stem, number: null } : null;
}

function identityOf(items: readonly TarItem[]): string {
  const hash = createHash("sha256");
  for (const { origin, label, offset, sizeBytes } of items)
    hash.update(`${origin}\0${label}\0${offset}\0${sizeBytes}\n`);
  return `tar:${hash.digest("hex")}`;
}

function malformed(
  tree: FileTree,
  archive: TreeFile,
  cause: TarError,
): UserError {
  return new UserError({
    code: "data.source-malformed",
    message: `the archive '${archive.path}' in '${tree.name}' ${toError(cause).message}`,
    hint: "check it with `tar tvf`; compressed archives have to be unpacked first",
    cause,
  });
}

function noImages(tree: FileTree, prefix: string): UserError {
  return new UserError({
    code: "data.source-empty",
    message: `expected *.tar with images (.jpg, .jpeg, .png) in '${tree.name}/${prefix}', found none`,
    hint: "put the archives into one folder; for loose images use format: image-folder",
  });
}
