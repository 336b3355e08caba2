/**
 * What `hueline data` does with a dataset: values for the command line to print. Loads no image library: images are
 * listed, verified and copied out as files, not decoded.
 */
import { crc32 } from "node:zlib";
import { toError, UserError } from "../base/errors.ts";
import { readArtifactFile } from "../store/artifacts/artifact.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";
import { LEFT_OUT_FILE, leftOutSchema, type Catalog } from "./catalog.ts";
import { findDatasetFiles, type ShardFiles } from "./dataset-files.ts";
import {
  EXTENSIONS,
  sampleName,
  type SampleRecord,
} from "./shards/shard-index.ts";
import { readTar, TarError } from "./shards/tar-reader.ts";

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
  const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const leftOut = leftOutSchema.parse((json as { leftOut?: unknown }).leftOut);
  return { id, catalog, leftOut };
}

export type ShardVerdict = {
  readonly file: string;
  readonly samples: number;
  readonly sizeBytes: number;
  /** What is wrong with it; null: every checksum matches. */
  readonly problem: string | null;
};

/**
 * Reads every byte: shards against the catalog, members of the tar against the index, samples against their
 * checksums. One verdict a shard, as each is done; a broken shard does not hide the next.
 */
export async function* verifyDataset(
  store: Store,
  manifest: Manifest,
): AsyncGenerator<ShardVerdict, void, undefined> {
  const { shards } = await findDatasetFiles(store, manifest);
  for (const shard of shards) {
    const { file, samples, sizeBytes } = shard.entry;
    yield { file, samples, sizeBytes, problem: await findProblem(shard) };
  }
}

async function findProblem(shard: ShardFiles): Promise<string | null> {
  try {
    const index = await shard.readIndex();
    const tar = await shard.readTar();
    if (crc32(tar) !== index.shardCrc32)
      return "the index was made for other bytes";
    const offsets = new Map(readTar(tar).map((entry) => [entry.name, entry]));
    for (const sample of index.samples) {
      const name = memberName(sample);
      const entry = offsets.get(name);
      if (
        entry?.offset !== sample.offset ||
        entry.sizeBytes !== sample.sizeBytes
      )
        return `member ${name} is not where the index says`;
      if (crc32(sliceOf(tar, sample)) !== sample.crc32)
        return `sample ${name} fails its checksum`;
    }
    return null;
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    if (thrown instanceof TarError) return `the tar ${toError(thrown).message}`;
    throw thrown;
  }
}

export type SampleFile = {
  /** As its member in the tar: `00000042.jpg`. */
  readonly name: string;
  readonly label: string | null;
  readonly bytes: Uint8Array;
};

/**
 * The file of one sample, by its name (with or without extension), read by its range.
 * @throws UserError `data.sample-unknown`, or `data.shard-corrupt` when its checksum fails.
 */
export async function readSample(
  store: Store,
  manifest: Manifest,
  sample: string,
): Promise<SampleFile> {
  const { shards, catalog } = await findDatasetFiles(store, manifest);
  const wanted = sample.replace(/\.[a-z]+$/, "");
  for (const shard of shards) {
    const { samples } = await shard.readIndex();
    const found = samples.find(({ source }) => sampleName(source) === wanted);
    if (found) {
      const label = catalog.classes[found.label] ?? null;
      const bytes = await shard.readSample(found);
      return { name: memberName(found), label, bytes };
    }
  }
  throw new UserError({
    code: "data.sample-unknown",
    message: `the dataset has no sample '${sample}' among its ${catalog.samples}`,
    hint: "names are eight digits, the image's number in its source: `hueline data order` prints some; a quarantined image is not in the shards",
  });
}

function memberName(sample: SampleRecord): string {
  return `${sampleName(sample.source)}.${EXTENSIONS[sample.sampleClass]}`;
}

function sliceOf(tar: Uint8Array, sample: SampleRecord): Uint8Array {
  return tar.subarray(sample.offset, sample.offset + sample.sizeBytes);
}
