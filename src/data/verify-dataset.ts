/**
 * Holds every byte of a dataset to what is known of it: shards to the catalog, members of the tar to the index, images and
 * masks to their checksums. A shard is in memory while it is looked at.
 */
import { crc32 } from "node:zlib";
import { toError, UserError } from "../base/errors.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";
import { findDatasetFiles, type ShardFiles } from "./dataset-files.ts";
import {
  memberNames,
  type MaskRecord,
  type SampleRecord,
} from "./shards/shard-index.ts";
import { readTar, TarError, type TarEntry } from "./shards/tar-reader.ts";

export type ShardVerdict = {
  readonly file: string;
  readonly samples: number;
  readonly sizeBytes: number;
  /** What is wrong with it; null: every checksum matches. */
  readonly problem: string | null;
};

/** One verdict a shard, as each is done; a broken shard does not hide the next. */
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
    const entries = new Map(readTar(tar).map((entry) => [entry.name, entry]));
    for (const sample of index.samples) {
      const problem = findSampleProblem(tar, entries, sample);
      if (problem !== null) return problem;
    }
    const [stranger] = entries.keys();
    return stranger === undefined
      ? null
      : `member ${stranger} belongs to no sample of the index`;
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    if (thrown instanceof TarError) return `the tar ${toError(thrown).message}`;
    throw thrown;
  }
}

/** Takes the members of a sound sample out of `entries`. */
function findSampleProblem(
  tar: Uint8Array,
  entries: Map<string, TarEntry>,
  sample: SampleRecord,
): string | null {
  const names = memberNames(sample);
  const parts: readonly (readonly [string, MaskRecord])[] = [
    [names.image, sample],
    ...(sample.mask ? [[names.mask, sample.mask] as const] : []),
  ];
  for (const [name, { offset, sizeBytes, crc32: wanted }] of parts) {
    const entry = entries.get(name);
    if (entry?.offset !== offset || entry.sizeBytes !== sizeBytes)
      return `member ${name} is not where the index says`;
    if (crc32(tar.subarray(offset, offset + sizeBytes)) !== wanted)
      return `sample ${name} fails its checksum`;
    entries.delete(name);
  }
  return entries.delete(names.facts)
    ? null
    : `member ${names.facts} is missing`;
}
