/**
 * Packs one part of a source into a shard: a tar, its side index and a report of what is in it.
 *
 * The bytes depend on the source's list, the order seed, the limit and the number of parts alone: a restarted writer,
 * or many writers side by side, give the same files. Every image is decoded once here, so that a broken one goes to
 * the quarantine list now and not to a crash of a training later (docs/design.md, invariant J).
 */
import { crc32 } from "node:zlib";
import { StoppedError, UserError } from "../../base/errors.ts";
import type { Quarantined, ShardPart } from "../catalog.ts";
import { partRange, sourceAt } from "../order/packing-order.ts";
import type { Source, SourceItem, SourceRequest } from "../sources/source.ts";
import { describePart } from "./describe-part.ts";
import { examineImage, type ExaminedImage } from "./examine-image.ts";
import { encodeShardIndex, EXTENSIONS, sampleName } from "./shard-index.ts";
import { planTar, tarChunks, tarPieces, type TarMember } from "./tar-writer.ts";

/** A shard is packed in memory; 128 MiB is a good size, and this is where it stops. */
const MAX_SHARD_BYTES = 2 ** 30;

export type PackedShard = {
  readonly sizeBytes: number;
  chunks(): Iterable<Uint8Array>;
  readonly index: Uint8Array;
  readonly part: ShardPart;
};

export type PackRequest = {
  readonly source: Source;
  readonly request: SourceRequest;
  readonly part: { readonly index: number; readonly count: number };
  /** The `order` parameter of the shard stage. */
  readonly order: number;
  readonly maxShardBytes?: number;
  readonly signal?: AbortSignal;
  progress?(done: number, total: number): void;
};

type PackedSample = ExaminedImage & {
  readonly source: number;
  readonly item: SourceItem;
  readonly file: Uint8Array;
};

/** @throws UserError `data.too-many-shards`, `data.shard-too-large`; StoppedError when told to stop. */
export async function packShard(pack: PackRequest): Promise<PackedShard> {
  const wanted = wantedItems(pack);
  const { samples, quarantine } = await collect(pack, wanted);
  const members = samples.flatMap((sample) =>
    toMembers(sample, pack.source.classes),
  );
  const layout = planTar(members);
  let shardCrc32 = 0;
  for (const piece of tarPieces(members)) shardCrc32 = crc32(piece, shardCrc32);
  return {
    sizeBytes: layout.sizeBytes,
    chunks: () => tarChunks(members),
    index: encodeShardIndex({
      shardBytes: layout.sizeBytes,
      shardCrc32,
      samples: samples.map((sample, i) => ({
        offset: layout.offsets[2 * i] as number,
        sizeBytes: sample.file.length,
        source: sample.source,
        label: sample.item.label,
        width: sample.width,
        height: sample.height,
        sampleClass: sample.sampleClass,
        crc32: crc32(sample.file),
        mask: null,
      })),
    }),
    part: describePart({ ...pack, samples, quarantine }),
  };
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

async function collect(
  pack: PackRequest,
  wanted: readonly number[],
): Promise<{
  readonly samples: readonly PackedSample[];
  readonly quarantine: readonly Quarantined[];
}> {
  const slots: (PackedSample | null)[] = wanted.map(() => null);
  const quarantine: Quarantined[] = [];
  let done = 0;
  let sizeBytes = 0;
  await pack.source.read(wanted, async (position, file) => {
    if (pack.signal?.aborted)
      throw new StoppedError("told to stop while packing a shard");
    const source = wanted[position] as number;
    const item = pack.source.items[source] as SourceItem;
    const found = await examineImage(file);
    if ("reason" in found)
      quarantine.push({ source, origin: item.origin, reason: found.reason });
    else slots[position] = { source, item, file, ...found };
    sizeBytes += file.length;
    checkSize(pack, sizeBytes, ++done / wanted.length);
    pack.progress?.(done, wanted.length);
  });
  return {
    samples: slots.filter((sample) => sample !== null),
    quarantine: quarantine.sort((a, b) => a.source - b.source),
  };
}

function checkSize(
  { part, maxShardBytes = MAX_SHARD_BYTES }: PackRequest,
  sizeBytes: number,
  fraction: number,
): void {
  if (sizeBytes <= maxShardBytes) return;
  const shards = Math.ceil(
    (part.count * sizeBytes) / fraction / Math.min(maxShardBytes, 2 ** 27),
  );
  throw new UserError({
    code: "data.shard-too-large",
    message: `a shard would hold more than ${Math.round(maxShardBytes / 2 ** 20)} MiB of images`,
    hint: `set shards to about ${shards} (128 MiB each)`,
  });
}

function toMembers(
  sample: PackedSample,
  classes: readonly string[],
): readonly [TarMember, TarMember] {
  const name = sampleName(sample.source);
  const { label, origin } = sample.item;
  const facts =
    label < 0
      ? { source: origin }
      : { label, labelName: classes[label], source: origin };
  const json = new TextEncoder().encode(`${JSON.stringify(facts)}\n`);
  return [
    { name: `${name}.${EXTENSIONS[sample.sampleClass]}`, bytes: sample.file },
    { name: `${name}.json`, bytes: json },
  ];
}
