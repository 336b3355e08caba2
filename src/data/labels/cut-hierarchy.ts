/**
 * H-K: classes put into K buckets by a cut through WordNet's hierarchy (paper, section 5). Pure.
 *
 * The tree is that of the used synsets by their primary hypernym paths. From its root on, the node that holds most images is
 * split into its children, until there are K nodes or more; then the smallest siblings are merged, two at a time, down to
 * exactly K. Ties go to the smaller id, so the cut follows from the classes and their numbers of images alone.
 *
 * WordNet is lopsided near its root: of ImageNet's classes 997 are physical entities and 3 abstractions, and that would be H2.
 * So a smallest share may be asked for: nodes that hold less do not count towards K, and go to the node that is nearest in the
 * tree before siblings are merged. With a share of 0 the cut is the one above.
 *
 * A synset that is a class and stands above other classes is, when it is split, a child of itself.
 */
import { UserError } from "../../base/errors.ts";
import { byCodeUnit } from "../places/left-out.ts";
import type { Bucket, LabelledClass } from "./buckets.ts";
import { growTree, type TreeNode } from "./synset-tree.ts";
import type { Synset } from "./synsets.ts";

/** A node of the cut, or several that were merged. */
type Part = {
  readonly synsets: readonly Synset[];
  /** Ids of the nodes above it, from the root down; parts with the same last one are siblings. */
  readonly above: readonly string[];
  readonly classes: readonly number[];
  readonly images: number;
  /** What it can be split into; empty: it is one synset, or merged. */
  readonly children: readonly Part[];
};

export type HierarchyCut = {
  readonly buckets: number;
  /** Share of all images that a bucket holds at least, where the classes allow it. */
  readonly smallest: number;
  readonly synsets: Readonly<Record<string, string>>;
};

/** @throws UserError `labels.no-synset`, `labels.too-many-buckets`. */
export function cutHierarchy(
  classes: readonly LabelledClass[],
  { buckets, smallest, synsets }: HierarchyCut,
): readonly Bucket[] {
  const root = toPart(growTree(classes, synsets), []);
  const enough = smallest * root.images;
  const isLarge = ({ images }: Part) => images >= enough;
  let parts: readonly Part[] = [root];
  while (parts.filter(isLarge).length < buckets)
    parts = splitLargest(parts, buckets);
  while (parts.length > buckets)
    parts = parts.every(isLarge) ? mergeSiblings(parts) : mergeSmallest(parts);
  return parts
    .map((part) => ({
      name: part.synsets.map(({ word, id }) => `${word} ${id}`).join(" + "),
      classes: part.classes.toSorted((a, b) => a - b),
    }))
    .sort((a, b) => (a.classes[0] ?? 0) - (b.classes[0] ?? 0));
}

function toPart(node: TreeNode, above: readonly string[]): Part {
  const children = [...node.children.values()];
  const below = children.reduce((sum, { images }) => sum + images, 0);
  const itself: TreeNode = {
    ...node,
    children: new Map(),
    classes: node.own,
    images: node.images - below,
  };
  const split =
    children.length > 0 && node.own.length > 0
      ? [itself, ...children]
      : children;
  const path = [...above, node.synset.id];
  return {
    synsets: [node.synset],
    above,
    classes: node.classes,
    images: node.images,
    children: split.map((child) => toPart(child, path)),
  };
}

function idOf({ synsets }: Part): string {
  return synsets[0]?.id ?? "";
}

/** Most images first; ties by id. */
function bySizeDown(a: Part, b: Part): number {
  return b.images - a.images || byCodeUnit(idOf(a), idOf(b));
}

function splitLargest(
  parts: readonly Part[],
  buckets: number,
): readonly Part[] {
  const [largest] = parts
    .filter(({ children }) => children.length > 0)
    .toSorted(bySizeDown);
  if (largest)
    return [...parts.filter((part) => part !== largest), ...largest.children];
  throw new UserError({
    code: "labels.too-many-buckets",
    message: `expected a cut of the ${parts.length} synsets of the classes into ${buckets} buckets of the smallest size that is asked for; there is none`,
    hint: "ask for fewer buckets, or for a smaller `smallest`",
  });
}

/** Merges the two siblings that hold the fewest images together. */
function mergeSiblings(parts: readonly Part[]): readonly Part[] {
  const families = Map.groupBy(parts, ({ above }) => above.at(-1));
  const [pair] = [...families.values()]
    .map((siblings) => siblings.toSorted(bySizeDown).slice(-2))
    .filter(({ length }) => length === 2)
    .toSorted(
      ([a, b], [c, d]) =>
        sizeOf(a, b) - sizeOf(c, d) ||
        byCodeUnit(idOf(a as Part), idOf(c as Part)),
    );
  return pair ? merge(parts, pair as [Part, Part]) : mergeSmallest(parts);
}

function sizeOf(...some: readonly (Part | undefined)[]): number {
  return some.reduce((sum, part) => sum + (part?.images ?? 0), 0);
}

/** Merges the part with the fewest images into the one with which it shares most of what is above it. */
function mergeSmallest(parts: readonly Part[]): readonly Part[] {
  const [smallest, ...others] = parts.toSorted(bySizeDown).reverse();
  if (!smallest) throw new Error("there is nothing to merge");
  const [nearest] = others.toSorted(
    (a, b) =>
      common(b, smallest).length - common(a, smallest).length ||
      a.images - b.images ||
      byCodeUnit(idOf(a), idOf(b)),
  );
  return merge(parts, [nearest as Part, smallest]);
}

/** Ids above both. */
function common(a: Part, b: Part): readonly string[] {
  const end = a.above.findIndex((id, depth) => b.above[depth] !== id);
  return end < 0 ? a.above : a.above.slice(0, end);
}

function merge(
  parts: readonly Part[],
  [a, b]: readonly [Part, Part],
): readonly Part[] {
  const merged: Part = {
    synsets: [...a.synsets, ...b.synsets],
    above: common(a, b),
    classes: [...a.classes, ...b.classes],
    images: a.images + b.images,
    children: [],
  };
  return [...parts.filter((part) => part !== a && part !== b), merged];
}
