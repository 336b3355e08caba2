/**
 * Packs one part of a source into a shard: a tar, its side index and a report of what is in it.
 *
 * The bytes depend on the source's list, the order seed, the limit and the number of parts alone: a restarted writer,
 * or many writers side by side, give the same files. Every image is decoded once here, so that a broken one goes to
 * the quarantine list now and not to a crash of a training later (docs/design.md, invariant J).
 *
 * Images wait for their place in a spill file, not in memory: what is held is what the source reads ahead
 * (`places/read-ahead.ts`), the pixels of the two images that are being decoded, and one chunk of the archive.
 */
import { crc32 } from "node:zlib";
import { StoppedError, UserError } from "../../base/errors.ts";
import type { Quarantined, ShardPart } from "../catalog.ts";
import { shrinkEncoder } from "../pixels/shrink.ts";
import { partRange, sourceAt } from "../order/packing-order.ts";
import type { Source, SourceItem, SourceRequest } from "../sources/source.ts";
import { describePart } from "./describe-part.ts";
import { encodeLabelMarks, toMarks } from "./label-marks.ts";
import { examineSample, type ExaminedSample } from "./examine-image.ts";
import {
  encodeShardIndex,
  memberNames,
  type SampleRecord,
} from "./shard-index.ts";
import { openSpillFile, type SpillFile } from "./spill-file.ts";
import { planTar, tarChunks, type TarMember } from "./tar-writer.ts";

export type PackedShard = {
  readonly sizeBytes: number;
  /** The archive; to be read once. */
  chunks(): AsyncIterable<Uint8Array>;
  /** The side index, which holds the archive's checksum: known when `chunks` was read to its end. */
  index(): Uint8Array;
  /** What is known of each class in each sample (`label-marks.ts`); null where samples have one label at most. */
  readonly marks: Uint8Array | null;
  readonly part: ShardPart;
};

export type PackRequest = {
  readonly source: Source;
  readonly request: SourceRequest;
  readonly part: { readonly index: number; readonly count: number };
  /** The `order` parameter of the shard stage. */
  readonly order: number;
  /** Images whose shorter side is larger are scaled down to it; null: none are. */
  readonly shrink: number | null;
  /** A folder with room for one shard. */
  readonly scratch: string;
  readonly signal?: AbortSignal;
  progress?(done: number, total: number): void;
};

/** An image that is in the spill file, with its mask. */
type PackedSample = Omit<ExaminedSample, "file" | "mask"> & {
  readonly source: number;
  readonly item: SourceItem;
  readonly file: SpilledFile;
  readonly mask: SpilledFile | null;
};

type SpilledFile = {
  readonly spilledAt: number;
  readonly sizeBytes: number;
  readonly crc32: number;
};

/**
 * Gives the shard to `use`, which writes it where it belongs; it is gone afterwards.
 * @throws UserError `data.too-many-shards`, `data.scratch`; StoppedError when told to stop.
 */
export async function packShard<T>(
  pack: PackRequest,
  use: (shard: PackedShard) => Promise<T>,
): Promise<T> {
  const wanted = wantedItems(pack);
  const spill = await openSpillFile(pack.scratch);
  try {
    const encoder = pack.shrink === null ? null : await shrinkEncoder();
    const collected = await collect(pack, wanted, spill);
    return await use(toShard(pack, spill, { ...collected, encoder }));
  } finally {
    await spill.close();
  }
}

/** The source items of this part, in the order in which they stand in the shard. */
function wantedItems({ source, part, order }: PackRequest): number[] {
  const size = source.items.length;
  if (part.count > size)
    throw new UserError({
      code: "data.too-many-shards",
      message: `expected at most as many shards as images, found ${part.count} shards for ${size} images`,
      hint: `set shards to ${size} or fewer; about 128 MiB a shard is a good size`,
    });
  const { start, end } = partRange(size, part);
  return Array.from({ length: end - start }, (_, i) =>
    sourceAt({ position: start + i, size, order }),
  );
}

type Collected = {
  readonly samples: readonly PackedSample[];
  readonly quarantine: readonly Quarantined[];
};

async function collect(
  pack: PackRequest,
  wanted: readonly number[],
  spill: SpillFile,
): Promise<Collected> {
  const slots: (PackedSample | null)[] = wanted.map(() => null);
  const quarantine: Quarantined[] = [];
  let done = 0;
  await pack.source.read(wanted, async (position, file, mask) => {
    if (pack.signal?.aborted)
      throw new StoppedError("told to stop while packing a shard");
    const source = wanted[position] as number;
    const item = pack.source.items[source] as SourceItem;
    const found = await examineSample({ file, mask }, pack.shrink);
    if ("reason" in found)
      quarantine.push({ source, origin: item.origin, reason: found.reason });
    else
      slots[position] = {
        ...found,
        source,
        item,
        file: await keep(spill, found.file),
        mask: found.mask ? await keep(spill, found.mask) : null,
      };
    pack.progress?.(++done, wanted.length);
  });
  return {
    samples: slots.filter((sample) => sample !== null),
    quarantine: quarantine.sort((a, b) => a.source - b.source),
  };
}

async function keep(spill: SpillFile, bytes: Uint8Array): Promise<SpilledFile> {
  const spilledAt = await spill.append(bytes);
  return { spilledAt, sizeBytes: bytes.length, crc32: crc32(bytes) };
}

function toShard(
  pack: PackRequest,
  spill: SpillFile,
  {
    samples,
    quarantine,
    encoder,
  }: Collected & { readonly encoder: string | null },
): PackedShard {
  const groups = samples.map((sample) =>
    toMembers(sample, spill, pack.source.classes),
  );
  const members = groups.flat();
  const { sizeBytes, offsets } = planTar(members);
  let shardCrc32: number | null = null;
  return {
    sizeBytes,
    async *chunks() {
      let crc = 0;
      for await (const chunk of tarChunks(members)) {
        crc = crc32(chunk, crc);
        yield chunk;
      }
      shardCrc32 = crc;
    },
    index() {
      if (shardCrc32 === null)
        throw new Error("the index was asked for before the archive was read");
      return encodeShardIndex({
        shardBytes: sizeBytes,
        shardCrc32,
        samples: toRecords(samples, groups, offsets),
      });
    },
    marks: marksOf(samples, pack.source.classes.length),
    part: describePart({ ...pack, samples, quarantine, encoder }),
  };
}

function marksOf(
  samples: readonly PackedSample[],
  classes: number,
): Uint8Array | null {
  if (samples.every(({ item }) => item.labels === undefined)) return null;
  return encodeLabelMarks(
    samples.map(({ item: { labels = [], difficult = [] } }) =>
      toMarks(classes, { shown: labels, difficult }),
    ),
    classes,
  );
}

/** The records of samples whose members stand at `offsets`, group after group. */
function toRecords(
  samples: readonly PackedSample[],
  groups: readonly (readonly TarMember[])[],
  offsets: readonly number[],
): SampleRecord[] {
  let member = 0;
  return samples.map((sample, i) => {
    const offset = offsets[member] as number;
    const next = offsets[member + 1] as number;
    member += (groups[i] as readonly TarMember[]).length;
    const { file, mask, item } = sample;
    return {
      ...sample,
      offset,
      sizeBytes: file.sizeBytes,
      crc32: file.crc32,
      label: item.label,
      mask: mask && { ...mask, offset: next },
    };
  });
}

/** The image, its mask if it has one, and what is known of it. */
function toMembers(
  sample: PackedSample,
  spill: SpillFile,
  classes: readonly string[],
): readonly TarMember[] {
  const names = memberNames(sample);
  const spilled = (name: string, file: SpilledFile): TarMember => ({
    name,
    sizeBytes: file.sizeBytes,
    read: () => spill.read(file.spilledAt, file.sizeBytes),
  });
  const json = describeSample(sample, classes);
  return [
    spilled(names.image, sample.file),
    ...(sample.mask ? [spilled(names.mask, sample.mask)] : []),
    { name: names.facts, sizeBytes: json.length, read: () => json },
  ];
}

/** The `.json` member of a sample. */
function describeSample(
  { item: { label, labels, difficult, origin }, shrunkFrom }: PackedSample,
  classes: readonly string[],
): Uint8Array {
  const facts = {
    ...(label < 0 ? {} : { label, labelName: classes[label] }),
    ...(labels && {
      labels,
      labelNames: labels.map((each) => classes[each]),
    }),
    ...(difficult && difficult.length > 0 && { difficult }),
    source: origin,
    ...(shrunkFrom && { shrunkFrom }),
  };
  return new TextEncoder().encode(`${JSON.stringify(facts)}\n`);
}
