/** Which classes the images of a VOC layout show, from its class lists or from its annotations. */
import { mapBounded } from "../../base/async.ts";
import type { FileTree } from "../places/file-tree.ts";
import { byCodeUnit } from "../places/left-out.ts";
import { readLines } from "./voc-lines.ts";

/** Their numbers in masks are one more: 0 is the background. */
export const VOC_CLASSES = [
  "aeroplane",
  "bicycle",
  "bird",
  "boat",
  "bottle",
  "bus",
  "car",
  "cat",
  "chair",
  "cow",
  "diningtable",
  "dog",
  "horse",
  "motorbike",
  "person",
  "pottedplant",
  "sheep",
  "sofa",
  "train",
  "tvmonitor",
] as const;

export type VocLabels = {
  readonly classes: readonly string[];
  /** Ascending. */
  labelsOf(id: string): readonly number[];
  /** Classes that are there but hard to see: neither shown nor absent. Ascending. */
  difficultOf(id: string): readonly number[];
};

const READS_AT_ONCE = 16;

/** Labels of the images `ids`; images that nothing is said of have none. */
export async function readVocLabels(
  tree: FileTree,
  ids: readonly string[],
  split: string,
): Promise<VocLabels> {
  const { shown, difficult } =
    (await readClassLists(tree, split)) ?? (await readAnnotations(tree, ids));
  const classes = classesOf(
    [...shown.values(), ...difficult.values()].flatMap((set) => [...set]),
  );
  const numbersOf = (names: Iterable<string>) =>
    [...names].map((name) => classes.indexOf(name)).toSorted((a, b) => a - b);
  return {
    classes,
    labelsOf: (id) => numbersOf(shown.get(id) ?? []),
    difficultOf(id) {
      const seen = shown.get(id);
      const hard = [...(difficult.get(id) ?? [])];
      return numbersOf(hard.filter((name) => !seen?.has(name)));
    },
  };
}

/** Those of VOC, in whose numbers masks are written, unless a label names another. */
function classesOf(names: readonly string[]): readonly string[] {
  const known: ReadonlySet<string> = new Set(VOC_CLASSES);
  return names.every((name) => known.has(name))
    ? VOC_CLASSES
    : [...new Set(names)].sort(byCodeUnit);
}

type NamesById = Map<string, Set<string>>;
type Names = { readonly shown: NamesById; readonly difficult: NamesById };

const createNames = (): Names => ({ shown: new Map(), difficult: new Map() });

/** Null: the layout has no lists of classes for this split. */
async function readClassLists(
  tree: FileTree,
  split: string,
): Promise<Names | null> {
  const own = classLists(tree, split);
  // Some copies have no lists of the union.
  const lists =
    own.length === 0 && split === "trainval"
      ? [...classLists(tree, "train"), ...classLists(tree, "val")]
      : own;
  if (lists.length === 0) return null;
  const names = createNames();
  await mapBounded(lists, READS_AT_ONCE, async ({ name, file }) => {
    for (const line of readLines(await tree.read(file))) {
      const [id = "", sign] = line.split(/\s+/);
      if (sign === "1") add(names.shown, id, name);
      if (sign === "0") add(names.difficult, id, name);
    }
  });
  return names;
}

function classLists(tree: FileTree, split: string) {
  return tree.files.flatMap((file) => {
    const [, name, of] =
      /^ImageSets\/Main\/([^/]+)_([a-z]+)\.txt$/.exec(file.path) ?? [];
    return name && of === split ? [{ name, file }] : [];
  });
}

async function readAnnotations(
  tree: FileTree,
  ids: readonly string[],
): Promise<Names> {
  const files = new Map(tree.files.map((file) => [file.path, file]));
  const names = createNames();
  await mapBounded(ids, READS_AT_ONCE, async (id) => {
    const file = files.get(`Annotations/${id}.xml`);
    if (!file) return;
    const xml = new TextDecoder().decode(await tree.read(file));
    for (const { name, isDifficult } of objectsOf(xml))
      add(isDifficult ? names.difficult : names.shown, id, name);
  });
  return names;
}

/** The first `<name>` of each `<object>`; the names of its parts come later. */
function objectsOf(
  xml: string,
): readonly { readonly name: string; readonly isDifficult: boolean }[] {
  return xml.split("<object>").flatMap((text, i) => {
    const [object = ""] = text.split("</object>");
    const name = /<name>\s*([^<]*?)\s*<\/name>/.exec(object)?.[1];
    const isDifficult = /<difficult>\s*1\s*<\/difficult>/.test(object);
    return i > 0 && name ? [{ name, isDifficult }] : [];
  });
}

function add(byId: NamesById, id: string, name: string): void {
  const names = byId.get(id) ?? new Set();
  byId.set(id, names.add(name));
}
