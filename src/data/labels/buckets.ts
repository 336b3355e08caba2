/**
 * Which classes share a label: a table by kind of map, so that nothing branches on one (paper, section 5). Pure.
 *
 * A Every class is in exactly one bucket, and no bucket is empty.
 * B Buckets follow from the classes, their numbers of images, the settings and the seed alone.
 */
import { UserError } from "../../base/errors.ts";
import { hash32, permute, streamOf } from "../../base/random.ts";
import type { LabelMapSettings } from "../../spec/params/params-label-map.ts";
import { cutHierarchy } from "./cut-hierarchy.ts";

export type LabelledClass = {
  readonly name: string;
  readonly images: number;
};

export type Bucket = {
  readonly name: string;
  /** Numbers of classes, ascending. */
  readonly classes: readonly number[];
};

type Bucketing<K extends LabelMapSettings["kind"]> = (
  settings: Extract<LabelMapSettings, { kind: K }>,
  classes: readonly LabelledClass[],
  seed: number,
) => readonly Bucket[];

const SHUFFLE = streamOf("labels/buckets");

const bucketings: {
  readonly [K in LabelMapSettings["kind"]]: Bucketing<K>;
} = {
  /** C: every class its own. */
  classes: (_settings, classes) =>
    classes.map(({ name }, label) => ({ name, classes: [label] })),

  /** R-K: a seeded shuffle, dealt round-robin; sizes differ by at most one. */
  random({ buckets }, classes, seed) {
    const key = hash32(SHUFFLE, seed);
    const dealt = Array.from({ length: buckets }, (): number[] => []);
    for (let k = 0; k < classes.length; k++)
      dealt[k % buckets]?.push(permute(k, classes.length, key));
    return dealt.map((own, i) => ({
      name: `random ${i + 1} of ${buckets}`,
      classes: own.toSorted((a, b) => a - b),
    }));
  },

  /** H-K: a cut through WordNet's hierarchy. */
  hierarchy: (settings, classes) => cutHierarchy(classes, settings),
};

/** @throws UserError `labels.too-many-buckets`, `labels.no-synset`. */
export function toBuckets<K extends LabelMapSettings["kind"]>(
  kind: K,
  settings: Extract<LabelMapSettings, { kind: K }>,
  given: { readonly classes: readonly LabelledClass[]; readonly seed: number },
): readonly Bucket[] {
  const { classes, seed } = given;
  const wanted = "buckets" in settings ? settings.buckets : classes.length;
  if (wanted > classes.length)
    throw new UserError({
      code: "labels.too-many-buckets",
      message: `expected at most ${classes.length} buckets for the ${classes.length} classes of the dataset, found ${wanted}`,
      hint: "ask for fewer buckets, or raise the limit of the shard stage so that the dataset has more classes",
    });
  const bucketing: Bucketing<K> = bucketings[kind];
  return bucketing(settings, classes, seed);
}
