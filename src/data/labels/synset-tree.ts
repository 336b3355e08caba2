/** The tree of the synsets of some classes, by their primary hypernym paths, with the images at and below each. Pure. */
import { UserError } from "../../base/errors.ts";
import type { LabelledClass } from "./buckets.ts";
import { pathTo, synsetOfClass, type Synset } from "./synsets.ts";

export type TreeNode = {
  readonly synset: Synset;
  readonly children: Map<string, TreeNode>;
  /** Numbers of the classes that are this synset. */
  readonly own: number[];
  /** Those of the classes at it and below it. */
  readonly classes: number[];
  images: number;
};

/** @throws UserError `labels.no-synset`. */
export function growTree(
  classes: readonly LabelledClass[],
  synsets: Readonly<Record<string, string>>,
): TreeNode {
  const found = classes.map(({ name }) => synsetOfClass(name, synsets));
  const missing = classes.filter((_, label) => found[label] === null);
  const [first] = found;
  if (missing.length > 0 || !first)
    throw noSynset(missing.map(({ name }) => name));
  const root = emptyNode(pathTo(first)[0] as Synset);
  for (const [label, synset] of found.entries()) {
    let node = root;
    for (const [depth, step] of pathTo(synset as Synset).entries()) {
      if (depth > 0) node = childOf(node, step);
      node.classes.push(label);
      node.images += classes[label]?.images ?? 0;
    }
    node.own.push(label);
  }
  return root;
}

function childOf(node: TreeNode, synset: Synset): TreeNode {
  const child = node.children.get(synset.id) ?? emptyNode(synset);
  node.children.set(synset.id, child);
  return child;
}

function emptyNode(synset: Synset): TreeNode {
  return { synset, children: new Map(), own: [], classes: [], images: 0 };
}

function noSynset(names: readonly string[]): UserError {
  const shown = names.slice(0, 5).join(", ");
  const more = names.length > 5 ? `, … (${names.length})` : "";
  return new UserError({
    code: "labels.no-synset",
    message: `expected classes that WordNet knows, named by ids such as n02084071; no synset is known for ${shown}${more}`,
    hint: "name the folders of the source by WordNet ids, or give `synsets: { <class>: <id> }` in the map",
  });
}
