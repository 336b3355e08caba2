/**
 * The side index of a shard: one fixed-size record per sample, so that a sample is one range read away and a whole
 * dataset's index is an array in memory. Little-endian; byte for byte in docs/formats.md.
 *
 * Reading checks everything that can be checked without the tar: magic, version, length, the records' CRC-32, and that
 * every range lies inside the archive.
 */
import { crc32 } from "node:zlib";

const MAGIC = "HUELIDX\0";
const VERSION = 2;
export const INDEX_HEADER_BYTES = 32;
export const INDEX_RECORD_BYTES = 48;

/** How the bytes of a sample are to be decoded: what its header says, not its name. Numbers are part of the format. */
export const SampleClass = {
  ppm: 0,
  jpegColor: 1,
  jpegGray: 2,
  jpegCmyk: 3,
  png: 4,
  /** A JPEG that strict decoders refuse and a lenient one reads: lightly damaged, or of a rare kind. */
  jpegLenient: 5,
} as const;
export type SampleClass = (typeof SampleClass)[keyof typeof SampleClass];
const LAST_CLASS = Math.max(...Object.values(SampleClass));

/** Members are named by what was found in them. */
const EXTENSIONS: Readonly<Record<SampleClass, "ppm" | "jpg" | "png">> = {
  0: "ppm",
  1: "jpg",
  2: "jpg",
  3: "jpg",
  4: "png",
  5: "jpg",
};

export type SampleRecord = {
  /** Where the image's bytes start in the tar. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Number of the image in its source's own order; its member is `sampleName(source).<ext>`. */
  readonly source: number;
  /** −1: none. */
  readonly label: number;
  readonly width: number;
  readonly height: number;
  readonly sampleClass: SampleClass;
  /** CRC-32 of the image's bytes. */
  readonly crc32: number;
  /** The segmentation mask of the image, a PNG of the same size (`pixels/mask-png.ts`); null: it has none. */
  readonly mask: MaskRecord | null;
};

export type MaskRecord = {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly crc32: number;
};

export type ShardIndex = {
  readonly shardBytes: number;
  readonly shardCrc32: number;
  readonly samples: readonly SampleRecord[];
};

/** The name of a sample in tar members and in commands. */
export function sampleName(source: number): string {
  return String(source).padStart(8, "0");
}

/**
 * The members of a sample in the tar; without a mask, there is none of that name. WebDataset reads `00000017.mask.png` as
 * the field `mask.png` of sample 00000017.
 */
export function memberNames({
  source,
  sampleClass,
}: Pick<SampleRecord, "source" | "sampleClass">): {
  readonly image: string;
  readonly mask: string;
  readonly facts: string;
} {
  const name = sampleName(source);
  return {
    image: `${name}.${EXTENSIONS[sampleClass]}`,
    mask: `${name}.mask.png`,
    facts: `${name}.json`,
  };
}

export function encodeShardIndex(index: ShardIndex): Uint8Array {
  const bytes = Buffer.alloc(
    INDEX_HEADER_BYTES + index.samples.length * INDEX_RECORD_BYTES,
  );
  for (const [i, sample] of index.samples.entries())
    writeRecord(bytes, INDEX_HEADER_BYTES + i * INDEX_RECORD_BYTES, sample);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(index.samples.length, 12);
  bytes.writeBigUInt64LE(BigInt(index.shardBytes), 16);
  bytes.writeUInt32LE(index.shardCrc32, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(INDEX_HEADER_BYTES)), 28);
  return bytes;
}

/** The index, or what is wrong with it: a clause for a message that names the file. */
export function decodeShardIndex(
  file: Uint8Array,
):
  | { readonly ok: true; readonly index: ShardIndex }
  | { readonly ok: false; readonly reason: string } {
  const reason = findIndexDefect(file);
  return reason === null
    ? { ok: true, index: readShardIndex(file) }
    : { ok: false, reason };
}

/** All of an index without defect. */
export function readShardIndex(file: Uint8Array): ShardIndex {
  const { shardBytes, shardCrc32, count } = readIndexHeader(file);
  const records = file.subarray(INDEX_HEADER_BYTES);
  const samples = Array.from({ length: count }, (_, i) =>
    readIndexRecord(records, i),
  );
  return { shardBytes, shardCrc32, samples };
}

/** What is wrong with an index file, as a clause; null: nothing, its header and records can be read. */
export function findIndexDefect(file: Uint8Array): string | null {
  const bytes = viewOf(file);
  if (bytes.length < INDEX_HEADER_BYTES) return "it is cut off";
  if (bytes.toString("latin1", 0, 8) !== MAGIC)
    return "it is not a shard index";
  const version = bytes.readUInt32LE(8);
  if (version !== VERSION)
    return `it has format version ${version}, this program reads ${VERSION}`;
  const { shardBytes, count } = readIndexHeader(file);
  const wanted = INDEX_HEADER_BYTES + count * INDEX_RECORD_BYTES;
  if (bytes.length !== wanted)
    return `it has ${bytes.length} bytes instead of ${wanted}`;
  const records = bytes.subarray(INDEX_HEADER_BYTES);
  if (crc32(records) !== bytes.readUInt32LE(28))
    return "its records fail their checksum";
  for (let i = 0; i < count; i++)
    if (!isInside(readIndexRecord(records, i), shardBytes))
      return `record ${i} is out of range`;
  return null;
}

/** The header of an index without defect. */
export function readIndexHeader(file: Uint8Array): {
  readonly shardBytes: number;
  readonly shardCrc32: number;
  readonly count: number;
} {
  const bytes = viewOf(file);
  return {
    shardBytes: readUInt64(bytes, 16),
    shardCrc32: bytes.readUInt32LE(24),
    count: bytes.readUInt32LE(12),
  };
}

/** Record `i` of the records' bytes, which may be shared memory. */
export function readIndexRecord(records: Uint8Array, i: number): SampleRecord {
  const bytes = viewOf(records);
  const at = i * INDEX_RECORD_BYTES;
  const maskBytes = bytes.readUInt32LE(at + 40);
  return {
    offset: readUInt64(bytes, at),
    sizeBytes: bytes.readUInt32LE(at + 8),
    source: bytes.readUInt32LE(at + 12),
    label: readIndexLabel(records, i),
    width: bytes.readUInt16LE(at + 20),
    height: bytes.readUInt16LE(at + 22),
    sampleClass: bytes.readUInt8(at + 24) as SampleClass,
    crc32: bytes.readUInt32LE(at + 28),
    mask:
      maskBytes === 0
        ? null
        : {
            offset: readUInt64(bytes, at + 32),
            sizeBytes: maskBytes,
            crc32: bytes.readUInt32LE(at + 44),
          },
  };
}

/** The label of record `i` alone. */
export function readIndexLabel(records: Uint8Array, i: number): number {
  return viewOf(records).readInt32LE(i * INDEX_RECORD_BYTES + 16);
}

function isInside(sample: SampleRecord, shardBytes: number): boolean {
  const { mask } = sample;
  return (
    sample.offset + sample.sizeBytes <= shardBytes &&
    (mask === null || mask.offset + mask.sizeBytes <= shardBytes) &&
    sample.sampleClass <= LAST_CLASS &&
    sample.width > 0 &&
    sample.height > 0
  );
}

function writeRecord(bytes: Buffer, at: number, sample: SampleRecord): void {
  bytes.writeBigUInt64LE(BigInt(sample.offset), at);
  bytes.writeUInt32LE(sample.sizeBytes, at + 8);
  bytes.writeUInt32LE(sample.source, at + 12);
  bytes.writeInt32LE(sample.label, at + 16);
  bytes.writeUInt16LE(sample.width, at + 20);
  bytes.writeUInt16LE(sample.height, at + 22);
  bytes.writeUInt8(sample.sampleClass, at + 24);
  bytes.writeUInt32LE(sample.crc32, at + 28);
  if (sample.mask === null) return;
  bytes.writeBigUInt64LE(BigInt(sample.mask.offset), at + 32);
  bytes.writeUInt32LE(sample.mask.sizeBytes, at + 40);
  bytes.writeUInt32LE(sample.mask.crc32, at + 44);
}

/** Sums beyond 2^53 are no longer exact, and still far outside any archive. */
function readUInt64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
