/**
 * One dataset out of several, one behind another: the catalog lists the shards of all of them, and no image is copied. Pure.
 *
 * Sample numbers count on from dataset to dataset, so that everything about orders holds as it does for one (docs/formats.md,
 * "The order of training"). Classes are kept where all datasets have the same ones; otherwise a number would mean another class in
 * each, and the whole has no labels.
 */
import { createHash } from "node:crypto";
import { UserError } from "../base/errors.ts";
import type { Catalog } from "./catalog.ts";
import { mergeRanges, round6 } from "./shards/merge-parts.ts";

export type NamedCatalog = { readonly id: string; readonly catalog: Catalog };

/** @throws UserError `data.same-dataset`, `data.mixed-masks`. */
export function concatCatalogs(datasets: readonly NamedCatalog[]): Catalog {
  checkDistinct(datasets);
  const all = datasets.map(({ catalog }) => catalog);
  const [first] = all;
  if (!first) throw new Error("nothing to put together");
  const isOneLabelling = all.every(
    ({ classes }) => classes.join("\n") === first.classes.join("\n"),
  );
  const samples = sumOf(all, (one) => one.samples);
  return {
    version: 2,
    source: {
      format: "concat",
      split: [...new Set(all.map(({ source }) => source.split))].join("+"),
      identity: identityOf(datasets),
      items: sumOf(all, ({ source }) => source.items),
    },
    order: first.order,
    classes: isOneLabelling ? first.classes : [],
    perClass: isOneLabelling
      ? first.classes.map((_, label) =>
          sumOf(all, ({ perClass }) => perClass[label] ?? 0),
        )
      : [],
    unlabelled: isOneLabelling
      ? sumOf(all, ({ unlabelled }) => unlabelled)
      : samples,
    samples,
    width: mergeRanges(all.map(({ width }) => width)),
    height: mergeRanges(all.map(({ height }) => height)),
    quarantine: all.flatMap(({ quarantine }) => quarantine),
    masks: concatMasks(datasets),
    shrink: concatShrinks(all),
    meanChroma: round6(
      sumOf(all, (one) => one.meanChroma * one.samples) / samples || 0,
    ),
    shards: all.flatMap(({ shards }) => shards),
  };
}

function checkDistinct(datasets: readonly NamedCatalog[]): void {
  const ids = datasets.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice === undefined) return;
  throw new UserError({
    code: "data.same-dataset",
    message: `the dataset ${twice.slice(0, 12)} is given twice: each of its images would count double`,
    hint: "name stages that pack different images",
  });
}

/** Masks of all or of none; and then all must mean the same. */
function concatMasks(datasets: readonly NamedCatalog[]): Catalog["masks"] {
  const masks = datasets.map(({ catalog }) => catalog.masks);
  const meanings = new Set(masks.map((own) => own?.classes.join("\n") ?? null));
  if (meanings.size > 1)
    throw new UserError({
      code: "data.mixed-masks",
      message: `expected masks that mean the same in all ${datasets.length} datasets, or none; found ${meanings.size} kinds`,
      hint: "pack the datasets with `masks: false`",
    });
  const [own] = masks;
  return own
    ? {
        classes: own.classes,
        samples: masks.reduce((sum, one) => sum + (one?.samples ?? 0), 0),
      }
    : null;
}

/** Null where no dataset was scaled down; the side is the largest of them. */
function concatShrinks(all: readonly Catalog[]): Catalog["shrink"] {
  const shrinks = all.flatMap(({ shrink }) => shrink ?? []);
  return shrinks.length === 0
    ? null
    : {
        side: Math.max(...shrinks.map(({ side }) => side)),
        images: shrinks.reduce((sum, { images }) => sum + images, 0),
        encoders: [
          ...new Set(shrinks.flatMap(({ encoders }) => encoders)),
        ].sort(),
      };
}

function identityOf(datasets: readonly NamedCatalog[]): string {
  const hash = createHash("sha256");
  for (const { id } of datasets) hash.update(`${id}\n`);
  return `concat:${hash.digest("hex")}`;
}

function sumOf(
  all: readonly Catalog[],
  of: (catalog: Catalog) => number,
): number {
  return all.reduce((sum, catalog) => sum + of(catalog), 0);
}
