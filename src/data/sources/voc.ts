/**
 * The layout of PASCAL VOC: JPEGImages, ImageSets with lists of splits, SegmentationClass with masks, Annotations.
 * The split names a list: ImageSets/Segmentation/<split>.txt where the source has it and masks are wanted, else
 * ImageSets/Main. Order: that of the list.
 *
 * An image may show several classes. `labels` has all that it is known to show; `label` only says what is unambiguous:
 * the class of an image that shows one. Labels come from ImageSets/Main/<class>_<split>.txt, where 1 says that the class
 * is there, −1 that it is not, and 0 that it is there but hard to see: `difficult`, which counts as neither. Where there
 * are no such lists, the objects of Annotations/<id>.xml are the labels.
 *
 * Masks are taken as they are: 0 is the background, k is class k − 1, 255 is void.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { FileTree, TreeFile } from "../places/file-tree.ts";
import { LeftOutTally } from "../places/left-out.ts";
import { readAhead } from "../places/read-ahead.ts";
import type { Source, SourceItem, SourceRequest } from "./source.ts";
import { takeSpread } from "./take-spread.ts";
import { readVocLabels } from "./voc-labels.ts";
import { readLines } from "./voc-lines.ts";

type VocItem = Required<SourceItem> & {
  readonly image: TreeFile;
  readonly mask: TreeFile | null;
};

export async function openVoc(
  tree: FileTree,
  request: SourceRequest,
): Promise<Source> {
  const files = new Map(tree.files.map((file) => [file.path, file]));
  const list = findList(tree, files, request);
  const ids = readLines(await tree.read(list.file)).map(
    (line) => line.split(/\s+/)[0] as string,
  );
  const { classes, labelsOf, difficultOf } = await readVocLabels(
    tree,
    ids,
    request.split,
  );
  const leftOut = new LeftOutTally();
  const all: VocItem[] = [];
  for (const id of ids) {
    const image = files.get(`JPEGImages/${id}.jpg`);
    const mask = files.get(`SegmentationClass/${id}.png`) ?? null;
    if (!image) leftOut.add("listed without an image", id);
    else if (list.hasMasks && !mask) leftOut.add("listed without a mask", id);
    else
      all.push({
        origin: image.path,
        ...toLabels(labelsOf(id)),
        difficult: difficultOf(id),
        image,
        mask: list.hasMasks ? mask : null,
      });
  }
  const items = takeSpread(all, request.limit);
  if (items.length === 0) throw noImages(tree, list.file);
  return {
    identity: identityOf(items),
    classes,
    ...(list.hasMasks ? { maskClasses: ["background", ...classes] } : {}),
    items: items.map(({ origin, label, labels, difficult }) => ({
      origin,
      label,
      labels,
      difficult,
    })),
    leftOut: leftOut.list(),
    read: (wanted, visit) => readItems(tree, items, wanted, visit),
  };
}

async function readItems(
  tree: FileTree,
  items: readonly VocItem[],
  wanted: readonly number[],
  visit: Parameters<Source["read"]>[1],
): Promise<void> {
  await readAhead(
    wanted.map((index) => items[index] as VocItem),
    {
      sizeBytes: ({ image, mask }) => image.sizeBytes + (mask?.sizeBytes ?? 0),
      async read({ image, mask }) {
        const file = await tree.read(image);
        return { file, mask: mask ? await tree.read(mask) : undefined };
      },
      use: (position, _, { file, mask }) => visit(position, file, mask),
    },
  );
}

function toLabels(labels: readonly number[]) {
  const [only] = labels;
  return { label: labels.length === 1 ? (only as number) : -1, labels };
}

function findList(
  tree: FileTree,
  files: ReadonlyMap<string, TreeFile>,
  { split, masks }: SourceRequest,
): { readonly file: TreeFile; readonly hasMasks: boolean } {
  const segmentation = files.get(`ImageSets/Segmentation/${split}.txt`);
  if (segmentation && masks !== false)
    return { file: segmentation, hasMasks: true };
  const main = files.get(`ImageSets/Main/${split}.txt`);
  if (main && masks !== true) return { file: main, hasMasks: false };
  const lists = [...files.keys()].filter((path) =>
    /^ImageSets\/(?:Main|Segmentation)\/[a-z]+\.txt$/.test(path),
  );
  throw new UserError({
    code: "data.split-missing",
    message: `expected the list ImageSets/${masks === false ? "Main" : "Segmentation"}/${split}.txt in '${tree.name}'; found ${lists.join(", ") || "no list"}`,
    hint: "set `split` to the name of a list, `masks: false` for ImageSets/Main, or point the source at the folder that holds JPEGImages and ImageSets",
  });
}

function identityOf(items: readonly VocItem[]): string {
  const hash = createHash("sha256");
  for (const { origin, labels, difficult, image, mask } of items) {
    const sizes = `${image.sizeBytes}\0${mask?.sizeBytes ?? 0}`;
    const marks = `${labels.join(",")}\0${difficult.join(",")}`;
    hash.update(`${origin}\0${marks}\0${sizes}\n`);
  }
  return `voc:${hash.digest("hex")}`;
}

function noImages(tree: FileTree, list: TreeFile): UserError {
  return new UserError({
    code: "data.source-empty",
    message: `no image that '${list.path}' lists is in '${tree.name}/JPEGImages'`,
    hint: "point the source at the folder that holds JPEGImages and ImageSets",
  });
}
