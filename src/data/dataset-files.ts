/**
 * Finds the files of a dataset in a store: the catalog in the artifact of the catalog task, each shard and its index in
 * the artifact of the part that packed it. A dataset that is made of others has its shards in the parts of those. What a catalog or an index says is checked before it is believed.
 */
import { crc32 } from "node:zlib";
import { z } from "zod";
import { mapBounded } from "../base/async.ts";
import { UserError } from "../base/errors.ts";
import {
  artifactFilePath,
  readArtifactFile,
} from "../store/artifacts/artifact.ts";
import { readManifest, type Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";
import {
  CATALOG_FILE,
  catalogSchema,
  marksFileOf,
  type Catalog,
} from "./catalog.ts";
import { findMarksDefect, readMarksOf } from "./shards/label-marks.ts";
import {
  findIndexDefect,
  readIndexHeader,
  readShardIndex,
  sampleName,
  type MaskRecord,
  type SampleRecord,
  type ShardIndex,
} from "./shards/shard-index.ts";

/** Large datasets have hundreds of parts, and a bucket answers each question in tens of milliseconds. */
const MANIFESTS_AT_ONCE = 16;

export type DatasetFiles = {
  /** SHA-256 of the catalog's bytes: the dataset's id. */
  readonly id: string;
  readonly catalog: Catalog;
  /** In the catalog's order. */
  readonly shards: readonly ShardFiles[];
};

export type ShardFiles = {
  readonly entry: Catalog["shards"][number];
  /** Key of the artifact that holds the files. */
  readonly key: string;
  /** Where the tar lies in the store. */
  readonly path: string;
  readIndex(): Promise<ShardIndex>;
  /** The bytes of the index, checked as `readIndex` checks them. */
  readIndexFile(): Promise<Uint8Array>;
  /** What is known of each class in each sample; null: each has one label at most, which the index has. */
  readMarks(): Promise<Uint8Array | null>;
  /** The whole tar, checked against its checksum. */
  readTar(): Promise<Uint8Array>;
  /** One image's file by its range, checked against its checksum. */
  readSample(sample: SampleRecord): Promise<Uint8Array>;
  /** The mask of a sample, likewise. */
  readMask(sample: SampleRecord, mask: MaskRecord): Promise<Uint8Array>;
};

/**
 * The files of the dataset that a catalog task committed.
 * @throws UserError `data.catalog-corrupt`, `data.shard-missing`, or the store's own for damaged files.
 */
export async function findDatasetFiles(
  store: Store,
  manifest: Manifest,
): Promise<DatasetFiles> {
  const file = manifest.files.find(({ path }) => path === CATALOG_FILE);
  if (!file) throw notADataset(manifest);
  const catalog = parseCatalog(
    await readArtifactFile(store, manifest, CATALOG_FILE),
    manifest.key,
  );
  const holders = await readHolders(store, manifest);
  return {
    id: file.sha256,
    catalog,
    shards: catalog.shards.map((entry) => {
      const holder = findHolder(holders.get(entry.file) ?? [], entry);
      if (!holder) throw missingShard(entry.file, manifest.key);
      checkEntry(entry, holder);
      return toShardFiles(store, holder, entry);
    }),
  };
}

/** Manifests of the parts that hold a shard file of a name: datasets that are put together may have the same names. */
async function readHolders(
  store: Store,
  manifest: Manifest,
): Promise<ReadonlyMap<string, readonly Manifest[]>> {
  const holders = new Map<string, Manifest[]>();
  for (const part of await readParts(store, manifest))
    for (const { path } of part.files) {
      const known = holders.get(path);
      if (known) known.push(part);
      else holders.set(path, [part]);
    }
  return holders;
}

/** What a dataset is made of; of datasets among it, what they are made of. */
async function readParts(
  store: Store,
  manifest: Manifest,
): Promise<readonly Manifest[]> {
  const keys = Object.values(manifest.inputs).flat();
  const parts: Manifest[] = [];
  const found = await mapBounded(keys, MANIFESTS_AT_ONCE, (key) =>
    readManifest(store, key),
  );
  for (const part of found) {
    if (!part) continue;
    const isDataset = part.files.some(({ path }) => path === CATALOG_FILE);
    parts.push(...(isDataset ? await readParts(store, part) : [part]));
  }
  return parts;
}

/** The one with the bytes that were cataloged, or else any. */
function findHolder(
  holders: readonly Manifest[],
  { file, sha256 }: Catalog["shards"][number],
): Manifest | undefined {
  const isSame = (holder: Manifest) =>
    holder.files.some((own) => own.path === file && own.sha256 === sha256);
  return holders.find(isSame) ?? holders[0];
}

function toShardFiles(
  store: Store,
  holder: Manifest,
  entry: Catalog["shards"][number],
): ShardFiles {
  const readIndexFile = async () => {
    const name = entry.index.file;
    const bytes = await readArtifactFile(store, holder, name);
    const defect = findIndexDefect(bytes) ?? findMismatch(bytes, entry);
    if (defect !== null) throw corrupt(name, holder, defect);
    return bytes;
  };
  const readMember = async (sample: SampleRecord, member: MaskRecord) => {
    const range = { offset: member.offset, length: member.sizeBytes };
    const bytes = await readArtifactFile(store, holder, entry.file, { range });
    if (crc32(bytes) === member.crc32) return bytes;
    throw failsChecksum(entry.file, holder, sample);
  };
  const readMarks = async () => {
    const name = marksFileOf(entry.file);
    if (!holder.files.some(({ path }) => path === name)) return null;
    const bytes = await readArtifactFile(store, holder, name);
    const defect = findMarksDefect(bytes, entry.samples);
    if (defect !== null) throw corrupt(name, holder, defect);
    return readMarksOf(bytes);
  };
  return {
    entry,
    key: holder.key,
    path: artifactFilePath(holder, entry.file),
    readIndexFile,
    readIndex: async () => readShardIndex(await readIndexFile()),
    readMarks,
    readTar: () => readArtifactFile(store, holder, entry.file),
    readSample: (sample) => readMember(sample, sample),
    readMask: (sample, mask) => readMember(sample, mask),
  };
}

/** How a sound index differs from what the catalog says of its shard. */
function findMismatch(
  index: Uint8Array,
  entry: Catalog["shards"][number],
): string | null {
  const { shardBytes, count } = readIndexHeader(index);
  if (shardBytes !== entry.sizeBytes) return "it belongs to another shard";
  return count === entry.samples
    ? null
    : `it lists ${count} samples, the catalog ${entry.samples}`;
}

function parseCatalog(bytes: Uint8Array, key: string): Catalog {
  try {
    return catalogSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError) && !(thrown instanceof z.ZodError))
      throw thrown;
    throw new UserError({
      code: "data.catalog-corrupt",
      message: `'${CATALOG_FILE}' of artifact ${key} is not a dataset catalog that this program reads`,
      hint: `remove the artifact's manifest (cas/${key}/manifest.json) and run the pipeline again: it is made anew`,
      cause: thrown,
    });
  }
}

/** The catalog recorded the checksum that the part's manifest had; a part that was made again has the same bytes. */
function checkEntry(entry: Catalog["shards"][number], holder: Manifest): void {
  const file = holder.files.find(({ path }) => path === entry.file);
  if (file?.sha256 !== entry.sha256)
    throw corrupt(entry.file, holder, "it is not the file that was cataloged");
}

/** The bytes of a sample, if they have the checksum of its record. */
export function checkSample(
  bytes: Uint8Array,
  sample: SampleRecord,
  where: { readonly file: string; readonly holder: { readonly key: string } },
): Uint8Array {
  if (crc32(bytes) === sample.crc32) return bytes;
  throw failsChecksum(where.file, where.holder, sample);
}

function failsChecksum(
  file: string,
  holder: { readonly key: string },
  { source }: SampleRecord,
): UserError {
  const reason = `sample ${sampleName(source)} fails its checksum`;
  return corrupt(file, holder, reason);
}

export function corrupt(
  file: string,
  holder: { readonly key: string },
  reason: string,
): UserError {
  return new UserError({
    code: "data.shard-corrupt",
    message: `shard file '${file}' of artifact ${holder.key} can not be used: ${reason}`,
    hint: `remove the artifact's manifest (cas/${holder.key}/manifest.json) and run the pipeline again: the shard is packed anew`,
  });
}

/** A dataset of which nothing could be used. */
export function emptyDataset(catalog: Catalog): UserError {
  return new UserError({
    code: "data.empty",
    message: `the dataset has no usable image; ${catalog.quarantine.length} were left out as unreadable`,
    hint: "see `hueline data ls` for the reasons",
  });
}

function missingShard(file: string, key: string): UserError {
  return new UserError({
    code: "data.shard-missing",
    message: `the dataset ${key} lists the shard '${file}'; no artifact in the store holds it`,
    hint: "run the pipeline again: missing shards are packed anew",
  });
}

function notADataset(manifest: Manifest): UserError {
  return new UserError({
    code: "data.not-a-dataset",
    message: `expected a dataset (kind catalog), found artifact ${manifest.key} of kind ${manifest.kind}`,
    hint: "name a stage of kind shard or concat",
  });
}
