/**
 * A dataset in two kinds of JSON file (docs/formats.md): `part.json`, what one shard task packed, and `dataset.json`,
 * the catalog of all shards, whose SHA-256 is the dataset's id. Merging parts is pure.
 *
 * The catalog names shards by file, not by place: the manifest of the catalog's artifact lists the keys of the parts,
 * and each part's manifest the file. So the id depends on what the images are, not on where they lie.
 */
import { z } from "zod";
import { UserError } from "../base/errors.ts";
import { ORDER_VERSION } from "./order.ts";

export const PART_FILE = "part.json";
export const CATALOG_FILE = "dataset.json";
export const LEFT_OUT_FILE = "left-out.json";

/** File names of part `index` of `count`, as WebDataset writes ranges: shard-00000-of-00002.tar. */
export function shardFiles(part: {
  readonly index: number;
  readonly count: number;
}): { readonly tar: string; readonly index: string } {
  const pad = (n: number) => String(n).padStart(5, "0");
  const name = `shard-${pad(part.index)}-of-${pad(part.count)}`;
  return { tar: `${name}.tar`, index: `${name}.idx` };
}

const count = z.int().min(0);
const range = z.object({ min: count, max: count });

const quarantined = z.object({
  /** Number of the image in the source's own order. */
  source: count,
  origin: z.string(),
  reason: z.string(),
});
export type Quarantined = z.output<typeof quarantined>;

const sourceFacts = z.object({
  format: z.string(),
  split: z.string(),
  identity: z.string(),
  items: count,
});

/** What lay at the source and is not in its list: reported, and no part of what the dataset is. */
export const leftOutSchema = z.array(
  z.object({ reason: z.string(), count, examples: z.array(z.string()) }),
);

const contents = {
  classes: z.array(z.string()),
  /** Images of each class. */
  perClass: z.array(count),
  unlabelled: count,
  samples: count,
  width: range,
  height: range,
  quarantine: z.array(quarantined),
};

export const partSchema = z.object({
  version: z.literal(1),
  index: count,
  count,
  source: sourceFacts,
  order: z.object({ version: z.literal(ORDER_VERSION), seed: count }),
  ...contents,
  leftOut: leftOutSchema,
  /** Sum over the images of their mean chroma. */
  chromaSum: z.number(),
});
export type ShardPart = z.output<typeof partSchema>;

export const catalogSchema = z.object({
  version: z.literal(1),
  source: sourceFacts,
  order: z.object({ version: z.literal(ORDER_VERSION), seed: count }),
  ...contents,
  /** E[C]: mean over the images of their mean chroma, in [0, 1]; 1 / E[C] balances the hue loss (paper 1.4). */
  meanChroma: z.number().min(0).max(1),
  shards: z.array(
    z.object({
      file: z.string(),
      samples: count,
      sizeBytes: count,
      crc32: z.string(),
      sha256: z.string(),
      index: z.object({ file: z.string(), crc32: z.string() }),
    }),
  ),
});
export type Catalog = z.output<typeof catalogSchema>;

export type StoredFile = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly crc32: string;
  readonly sha256: string;
};

/**
 * The catalog of all parts of a dataset, given in any order with the files that their manifests list.
 * @throws UserError `data.source-changed` when the parts did not see the same source.
 */
export function mergeParts(
  parts: readonly {
    readonly part: ShardPart;
    readonly files: readonly StoredFile[];
  }[],
): Catalog {
  const sorted = parts.toSorted((a, b) => a.part.index - b.part.index);
  const all = sorted.map(({ part }) => part);
  const [first] = all;
  if (!first) throw new Error("a catalog needs at least one part");
  checkSameSource(first, all);
  const samples = sum(all.map((part) => part.samples));
  return {
    version: 1,
    source: first.source,
    order: first.order,
    classes: first.classes,
    perClass: first.classes.map((_, label) =>
      sum(all.map((part) => part.perClass[label] ?? 0)),
    ),
    unlabelled: sum(all.map((part) => part.unlabelled)),
    samples,
    width: mergeRanges(all.map((part) => part.width)),
    height: mergeRanges(all.map((part) => part.height)),
    quarantine: all
      .flatMap((part) => part.quarantine)
      .sort((a, b) => a.source - b.source),
    meanChroma: round6(sum(all.map((part) => part.chromaSum)) / samples || 0),
    shards: sorted.map(toShardEntry),
  };
}

function toShardEntry({
  part,
  files,
}: {
  readonly part: ShardPart;
  readonly files: readonly StoredFile[];
}): Catalog["shards"][number] {
  const names = shardFiles(part);
  const find = (name: string): StoredFile => {
    const file = files.find((candidate) => candidate.path === name);
    if (!file) throw new Error(`a part's manifest does not list '${name}'`);
    return file;
  };
  const { sizeBytes, crc32, sha256 } = find(names.tar);
  const index = { file: names.index, crc32: find(names.index).crc32 };
  return {
    file: names.tar,
    samples: part.samples,
    sizeBytes,
    crc32,
    sha256,
    index,
  };
}

function checkSameSource(first: ShardPart, all: readonly ShardPart[]): void {
  if (all.length !== first.count)
    throw new Error(`expected ${first.count} parts, got ${all.length}`);
  const other = all.find(
    (part) => part.source.identity !== first.source.identity,
  );
  if (!other) return;
  throw new UserError({
    code: "data.source-changed",
    message: `the source of the images changed while it was packed: parts ${first.index} and ${other.index} saw different files`,
    hint: "leave the source unchanged and run again; its new content gets a new key",
  });
}

/**
 * Fails when more images were unreadable than the stage allows.
 * @throws UserError `data.too-many-bad` with the first reasons.
 */
export function checkQuarantine(
  quarantine: readonly Quarantined[],
  items: number,
  maxBad: number,
): void {
  if (quarantine.length <= maxBad * items) return;
  const examples = quarantine
    .slice(0, 3)
    .map(({ origin, reason }) => `${origin} (${reason})`)
    .join("; ");
  throw new UserError({
    code: "data.too-many-bad",
    message: `${quarantine.length} of ${items} images can not be used, more than maxBad = ${maxBad} allows: ${examples}`,
    hint: "mend or remove these files, or raise maxBad in the shard stage",
  });
}

/** The bytes of a catalog, part or list: stable, one line per top-level field. */
export function toJsonBytes(value: object): Uint8Array {
  const lines = Object.entries(value).map(
    ([key, field]) => `  ${JSON.stringify(key)}: ${JSON.stringify(field)}`,
  );
  return new TextEncoder().encode(`{\n${lines.join(",\n")}\n}\n`);
}

function mergeRanges(ranges: readonly { min: number; max: number }[]) {
  const seen = ranges.filter(({ max }) => max > 0);
  return seen.length === 0
    ? { min: 0, max: 0 }
    : {
        min: Math.min(...seen.map(({ min }) => min)),
        max: Math.max(...seen.map(({ max }) => max)),
      };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
