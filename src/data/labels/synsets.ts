/**
 * The part of WordNet's noun hierarchy that classes of images need: what a synset is called and what stands above it, by its
 * first hypernym (paper, section 5: "primary hypernym paths"). Pure.
 */
import { classSynsets } from "./class-synsets.ts";
import { WORDNET_NOUNS } from "./wordnet-nouns.ts";

export type Synset = {
  /** Offset in WordNet 3.0, as ImageNet writes it: n02084071. */
  readonly id: string;
  /** Its first word. */
  readonly word: string;
  /** Null: there is none, it is `entity`. */
  readonly parent: string | null;
};

const LINE = /^(n\d{8}) (n\d{8}|-) (.+)$/;

function readNouns(): ReadonlyMap<string, Synset> {
  const synsets = new Map<string, Synset>();
  for (const line of WORDNET_NOUNS.split("\n")) {
    const [, id, parent, word] = LINE.exec(line) ?? [];
    if (id === undefined || word === undefined) continue;
    synsets.set(id, {
      id,
      word,
      parent: parent === undefined || parent === "-" ? null : parent,
    });
  }
  return synsets;
}

const nouns = readNouns();

export function synsetOf(id: string): Synset | null {
  return nouns.get(id) ?? null;
}

/** The synset of a class by its name: its id, or a name that is known or declared. Null: none is known. */
export function synsetOfClass(
  name: string,
  declared: Readonly<Record<string, string>> = {},
): Synset | null {
  const own = Object.hasOwn(declared, name) ? declared[name] : undefined;
  const known = Object.hasOwn(classSynsets, name)
    ? classSynsets[name]
    : undefined;
  return synsetOf(own ?? known ?? name);
}

/** From `entity` down to the synset itself. */
export function pathTo(synset: Synset): readonly Synset[] {
  const path = [synset];
  for (let at: Synset = synset; at.parent !== null;) {
    const parent = synsetOf(at.parent);
    if (!parent) throw new Error(`no synset ${at.parent} above ${at.id}`);
    path.unshift(parent);
    at = parent;
  }
  return path;
}
