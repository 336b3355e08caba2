/**
 * A folder of photographs: `<root>/<split>/<class>/*.jpg`, without the split folder, or without class folders (then
 * there are no labels); on disk or in a bucket. Order: classes, then names, by code units, so it is the same everywhere.
 *
 * Takes *.jpg, *.jpeg and *.png, whatever the case. Everything else at the source is counted by reason, never silently
 * skipped (invariant J).
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { FileTree, TreeFile } from "../places/file-tree.ts";
import { byCodeUnit, LeftOutTally, type LeftOut } from "../places/left-out.ts";
import { splitPrefix } from "../places/split-prefix.ts";
import { readFilesOf } from "./read-files.ts";
import type { Source, SourceItem, SourceRequest } from "./source.ts";
import { takeSpread } from "./take-spread.ts";

const IMAGE_NAME = /\.(?:jpe?g|png)$/i;

export async function openImageFolder(
  tree: FileTree,
  request: SourceRequest,
): Promise<Source> {
  const prefix = splitPrefix(tree, request.split);
  const listing = listImages(tree, prefix);
  const items = takeSpread(listing.items, request.limit);
  if (items.length === 0) throw noImages(tree.name, prefix, listing.leftOut);
  return {
    identity: identityOf(items),
    classes: listing.classes,
    items: items.map(({ origin, label }) => ({ origin, label })),
    leftOut: listing.leftOut,
    read: readFilesOf(tree, items),
  };
}

type FolderItem = SourceItem & { readonly file: TreeFile };

type Listing = {
  readonly classes: readonly string[];
  readonly items: readonly FolderItem[];
  readonly leftOut: readonly LeftOut[];
};

function listImages(tree: FileTree, prefix: string): Listing {
  const leftOut = new LeftOutTally();
  for (const { origin, reason } of tree.leftOut)
    if (origin.startsWith(prefix))
      leftOut.add(reason, origin.slice(prefix.length));
  const files = tree.files.filter((file) => file.path.startsWith(prefix));
  const classes = classFolders(tree, files, prefix);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const deep = new Set<string>();
  const items: FolderItem[] = [];
  for (const file of files) {
    const origin = file.path.slice(prefix.length);
    const [folder = "", name, ...rest] = origin.split("/");
    const isLoose = name === undefined;
    if (rest.length > 0) deep.add(`${folder}/${name}`);
    else if (!IMAGE_NAME.test(origin))
      leftOut.add("not named .jpg, .jpeg or .png", origin);
    else if (isLoose && classes.length > 0)
      leftOut.add("outside a class folder", origin);
    else
      items.push({
        origin,
        label: isLoose ? -1 : (labels.get(folder) ?? -1),
        file,
      });
  }
  for (const folder of deep)
    leftOut.add("folder inside a class folder", folder);
  // By class, then name: paths of one class need not be neighbours in the order of whole paths ("a-b/1" < "a/1").
  items.sort((a, b) => a.label - b.label || byCodeUnit(a.origin, b.origin));
  return { classes, items, leftOut: leftOut.list() };
}

/** Names of the folders right below the prefix. */
function classFolders(
  tree: FileTree,
  files: readonly TreeFile[],
  prefix: string,
): string[] {
  const names = new Set<string>();
  for (const { path } of files) {
    const end = path.indexOf("/", prefix.length);
    if (end > 0) names.add(path.slice(prefix.length, end));
  }
  for (const folder of tree.emptyFolders)
    if (folder.startsWith(prefix) && !folder.includes("/", prefix.length))
      names.add(folder.slice(prefix.length));
  return [...names].sort(byCodeUnit);
}

/** Names and sizes: cheap, and enough to see that two parts of one dataset did not see the same folder. */
function identityOf(items: readonly FolderItem[]): string {
  const hash = createHash("sha256");
  for (const { origin, label, file } of items)
    hash.update(`${origin}\0${label}\0${file.sizeBytes}\n`);
  return `image-folder:${hash.digest("hex")}`;
}

function noImages(
  name: string,
  prefix: string,
  leftOut: readonly LeftOut[],
): UserError {
  const rest = leftOut
    .map(({ reason, count }) => `${count} ${reason}`)
    .join(", ");
  return new UserError({
    code: "data.source-empty",
    message: `expected images (.jpg, .jpeg, .png) in '${name}/${prefix}', found none${rest && ` (left out: ${rest})`}`,
    hint: "lay the images out as <folder>/<class>/<image>, or put them all directly into the folder",
  });
}
