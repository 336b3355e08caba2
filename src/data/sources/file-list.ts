/**
 * Images by a list: a text file of relative paths, each with a label or without, as `train_places205.csv` of Places and
 * `val.txt` of ImageNet are; on disk or in a bucket. Order: as listed.
 *
 * A line is a path, or a path and a label behind a comma, a tab or blanks; a label is a number or a name. Numbers may be named by
 * another file, the line n of which (from 0) names class n, or says its number itself (`/a/abbey 0`); of `n01440764 tench` the id.
 * What is listed and not there, and what is listed twice, is counted by reason (invariant J).
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { FileList } from "../../spec/params/params-shard.ts";
import type { FileTree, TreeFile } from "../places/file-tree.ts";
import { LeftOutTally } from "../places/left-out.ts";
import { readFilesOf } from "./read-files.ts";
import type { Source, SourceItem, SourceRequest } from "./source.ts";
import { takeSpread } from "./take-spread.ts";
import { createClassNumbers, type TarLabel } from "./tar-labels.ts";

const IMAGE_NAME = /\.(?:jpe?g|png)$/i;
const LABELLED = /^(.*?\.(?:jpe?g|png))\s*[,\t ]\s*(\S.*)$/i;
const NUMBER = /^\d{1,6}$/;

type ListedItem = SourceItem & { readonly file: TreeFile };

export async function openFileList(
  tree: FileTree,
  request: SourceRequest,
): Promise<Source> {
  const files = new Map(tree.files.map((file) => [file.path, file]));
  const { list } = request;
  const given: FileList =
    typeof list === "string" ? { file: list } : (list ?? {});
  const root = toPrefix(given.root);
  const listFile = findList(tree, files, given.file ?? null, request);
  const text = await readText(tree, listFile);
  const names = given.classes
    ? await readNames(tree, files, given.classes)
    : null;
  const leftOut = new LeftOutTally();
  for (const { origin, reason } of tree.leftOut) leftOut.add(reason, origin);
  const listed = findFiles(parseLines(text), { root, files, leftOut });
  const labels = listed.map(({ label }) => nameLabel(label, names, listFile));
  // With their names given, classes that this list lacks are classes too: train and val then agree.
  const { classes, numberOf } = names
    ? {
        classes: names,
        numberOf: (label: TarLabel | null) => label?.number ?? -1,
      }
    : createClassNumbers(labels);
  const all = listed.map(({ file }, i): ListedItem => ({
    origin: file.path,
    label: numberOf(labels[i] ?? null),
    file,
  }));
  const items = takeSpread(all, request.limit);
  if (items.length === 0) throw noImages(tree, listFile, root);
  return {
    identity: identityOf(items),
    classes,
    items: items.map(({ origin, label }) => ({ origin, label })),
    leftOut: leftOut.list(),
    read: readFilesOf(tree, items),
  };
}

/** Empty, or ends in `/`. */
function toPrefix(folder = ""): string {
  const bare = folder.replace(/^(?:\.?\/)+|\/+$/g, "");
  return bare === "" || bare === "." ? "" : `${bare}/`;
}

type Line = { readonly path: string; readonly label: string | null };

function parseLines(text: string): readonly Line[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [, path, label] = LABELLED.exec(line) ?? [];
      return path === undefined
        ? { path: line, label: null }
        : { path, label: label as string };
    });
}

function findFiles(
  lines: readonly Line[],
  among: {
    readonly root: string;
    readonly files: ReadonlyMap<string, TreeFile>;
    readonly leftOut: LeftOutTally;
  },
): readonly { readonly file: TreeFile; readonly label: string | null }[] {
  const { root, files, leftOut } = among;
  const seen = new Set<TreeFile>();
  return lines.flatMap(({ path, label }) => {
    const own = root + path.replace(/^(?:\.?\/)+/, "");
    const file = files.get(own);
    if (!IMAGE_NAME.test(own))
      leftOut.add("listed and not named .jpg, .jpeg or .png", own);
    else if (!file) leftOut.add("listed and not there", own);
    else if (seen.has(file)) leftOut.add("listed twice", own);
    else {
      seen.add(file);
      return [{ file, label }];
    }
    return [];
  });
}

/** A number gets the name that it has, a name the number. */
function nameLabel(
  label: string | null,
  names: readonly string[] | null,
  list: TreeFile,
): TarLabel | null {
  if (label === null) return null;
  const number = NUMBER.test(label) ? Number(label) : null;
  if (!names) return { name: label, number };
  const at = number ?? names.indexOf(label);
  const name = names[at];
  if (name !== undefined) return { name, number: at };
  throw new UserError({
    code: "data.source-malformed",
    message: `'${list.path}' has the label '${label}'; expected one of the ${names.length} classes (0 to ${names.length - 1})`,
    hint: "check that `classes` is the file that goes with the list",
  });
}

async function readNames(
  tree: FileTree,
  files: ReadonlyMap<string, TreeFile>,
  path: string,
): Promise<readonly string[]> {
  const file = files.get(path);
  if (!file) throw missing(tree, path, "the names of the classes");
  const lines = (await readText(tree, file))
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const names: string[] = [];
  for (const [at, line] of lines.entries()) {
    const [, name, number] = /^(.*\S)[,\s]+(\d{1,6})$/.exec(line) ?? [];
    const [id] = /^n\d{8}\b/.exec(line) ?? [];
    names[number === undefined ? at : Number(number)] = name ?? id ?? line;
  }
  return Array.from(names, (name, i) => name ?? String(i));
}

async function readText(tree: FileTree, file: TreeFile): Promise<string> {
  return new TextDecoder().decode(await tree.read(file));
}

function findList(
  tree: FileTree,
  files: ReadonlyMap<string, TreeFile>,
  list: string | null,
  { split }: SourceRequest,
): TreeFile {
  const wanted = list === null ? [`${split}.txt`, `${split}.csv`] : [list];
  const found = wanted.flatMap((name) => files.get(name) ?? [])[0];
  if (found) return found;
  throw missing(tree, wanted.join(" or "), "the list of images");
}

/** Names, labels and sizes, in the order of the list. */
function identityOf(items: readonly ListedItem[]): string {
  const hash = createHash("sha256");
  for (const { origin, label, file } of items)
    hash.update(`${origin}\0${label}\0${file.sizeBytes}\n`);
  return `file-list:${hash.digest("hex")}`;
}

function missing(tree: FileTree, path: string, what: string): UserError {
  return new UserError({
    code: "data.source-missing",
    message: `expected ${what} at '${path}' in '${tree.name}', found none`,
    hint: "set `list: { file, root, classes }` of the shard stage to paths within the source",
  });
}

function noImages(tree: FileTree, list: TreeFile, root: string): UserError {
  return new UserError({
    code: "data.source-empty",
    message: `no image that '${list.path}' lists is in '${tree.name}/${root}'`,
    hint: "set `list: { file, root }` so that root is the folder that the listed paths begin in",
  });
}
