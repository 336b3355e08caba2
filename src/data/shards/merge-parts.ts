/**
 * From the reports of all parts of a dataset to its catalog: pure, and the same for whatever order the parts come in.
 * Refuses parts that did not see the same source, and a dataset of which too much is broken.
 */
import { UserError } from "../../base/errors.ts";
import {
  shardFiles,
  type Catalog,
  type Quarantined,
  type ShardPart,
} from "../catalog.ts";

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
    version: 2,
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
    masks: first.masks && {
      classes: first.masks.classes,
      samples: sum(all.map(({ masks }) => masks?.samples ?? 0)),
    },
    shrink: first.shrink && {
      side: first.shrink.side,
      images: sum(all.map(({ shrink }) => shrink?.images ?? 0)),
      encoders: [
        ...new Set(all.flatMap(({ shrink }) => shrink?.encoders ?? [])),
      ].sort(),
    },
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

/** From the smallest to the largest of all; an empty range has none. */
export function mergeRanges(ranges: readonly { min: number; max: number }[]) {
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

export function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
