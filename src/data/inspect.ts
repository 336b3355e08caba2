/**
 * What `hueline data` does with a dataset: values for the command line to print. Loads no image library: images are
 * listed, verified and copied out as files, not decoded.
 */
import { z } from "zod";
import { UserError } from "../base/errors.ts";
import { readArtifactFile } from "../store/artifacts/artifact.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import { readJson } from "../store/json.ts";
import type { Store } from "../store/store.ts";
import { LEFT_OUT_FILE, leftOutSchema, type Catalog } from "./catalog.ts";
import { findDatasetFiles } from "./dataset-files.ts";
import { memberNames, sampleName } from "./shards/shard-index.ts";

export { verifyDataset } from "./verify-dataset.ts";

export type DatasetListing = {
  readonly id: string;
  readonly catalog: Catalog;
  readonly leftOut: readonly {
    readonly reason: string;
    readonly count: number;
    readonly examples: readonly string[];
  }[];
};

/** Everything that the catalog says: shards, classes, counts, quarantine; and what the source left out. */
export async function listDataset(
  store: Store,
  manifest: Manifest,
): Promise<DatasetListing> {
  const { id, catalog } = await findDatasetFiles(store, manifest);
  const bytes = await readArtifactFile(store, manifest, LEFT_OUT_FILE);
  const json = readJson(bytes);
  const parsed = z
    .object({ leftOut: leftOutSchema })
    .safeParse(json.kind === "value" ? json.value : null);
  if (!parsed.success)
    throw new UserError({
      code: "data.catalog-corrupt",
      message: `'${LEFT_OUT_FILE}' of '${manifest.key}' in ${store.url} is not a list of what was left out`,
      hint: `remove cas/${manifest.key}/manifest.json and run the pipeline again: the dataset is then made anew`,
    });
  return { id, catalog, leftOut: parsed.data.leftOut };
}

export type SampleFile = {
  /** As its member in the tar: `00000042.jpg`. */
  readonly name: string;
  readonly label: string | null;
  readonly bytes: Uint8Array;
};

/**
 * The file of one sample, or of its mask, by its name (with or without extension), read by its range.
 * @throws UserError `data.sample-unknown`, `data.no-mask`, or `data.shard-corrupt` when its checksum fails.
 */
export async function readSample(
  store: Store,
  manifest: Manifest,
  sample: string,
  options: { readonly mask?: boolean } = {},
): Promise<SampleFile> {
  const { shards, catalog } = await findDatasetFiles(store, manifest);
  const wanted = sample.replace(/\..*$/, "");
  for (const shard of shards) {
    const { samples } = await shard.readIndex();
    const found = samples.find(({ source }) => sampleName(source) === wanted);
    if (!found) continue;
    const label = catalog.classes[found.label] ?? null;
    const names = memberNames(found);
    if (!options.mask)
      return { name: names.image, label, bytes: await shard.readSample(found) };
    if (found.mask === null) throw noMask(wanted, catalog);
    const bytes = await shard.readMask(found, found.mask);
    return { name: names.mask, label, bytes };
  }
  throw new UserError({
    code: "data.sample-unknown",
    message: `the dataset has no sample '${sample}' among its ${catalog.samples}`,
    hint: "names are eight digits, the image's number in its source: `hueline data order` prints some; a quarantined image is not in the shards",
  });
}

function noMask(sample: string, { masks }: Catalog): UserError {
  return new UserError({
    code: "data.no-mask",
    message: `sample '${sample}' has no mask; ${masks?.samples ?? 0} images of the dataset have one`,
    hint: "masks come from a source of format voc, with `masks: true`",
  });
}
