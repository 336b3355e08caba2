/**
 * What is known of each class in each image, for images that may show several: one byte per class. A file beside the shard's
 * tar, so that a training reads the labels of a dataset without its images (docs/formats.md, "The marks").
 *
 * Reading checks magic, version, length, checksum, and that every byte is one of the three marks.
 */
import { crc32 } from "node:zlib";

/** Numbers are part of the format; 255 is what VOC's evaluation calls difficult. */
export const Mark = { absent: 0, shown: 1, unknown: 255 } as const;

const MAGIC = "HUELMRK\0";
const VERSION = 1;
const HEADER_BYTES = 24;

/** One row: `difficult` classes are unknown, others than the shown ones absent. */
export function toMarks(
  classes: number,
  known: {
    readonly shown: readonly number[];
    readonly difficult: readonly number[];
  },
): Uint8Array {
  const row = new Uint8Array(classes).fill(Mark.absent);
  for (const label of known.difficult) row[label] = Mark.unknown;
  for (const label of known.shown) row[label] = Mark.shown;
  return row;
}

/** The file of some rows [samples][classes]. */
export function encodeLabelMarks(
  rows: readonly Uint8Array[],
  classes: number,
): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + rows.length * classes);
  for (const [i, row] of rows.entries())
    bytes.set(row, HEADER_BYTES + i * classes);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(rows.length, 12);
  bytes.writeUInt32LE(classes, 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(HEADER_BYTES)), 20);
  return bytes;
}

/** What is wrong with a file for a shard of so many samples, as a clause; null: nothing. */
export function findMarksDefect(
  file: Uint8Array,
  samples: number,
): string | null {
  const bytes = viewOf(file);
  if (bytes.length < HEADER_BYTES) return "it is cut off";
  if (bytes.toString("latin1", 0, 8) !== MAGIC) return "it holds no marks";
  const version = bytes.readUInt32LE(8);
  if (version !== VERSION)
    return `it has format version ${version}, this program reads ${VERSION}`;
  const found = bytes.readUInt32LE(12);
  if (found !== samples)
    return `it has marks of ${found} samples, the catalog lists ${samples}`;
  const wanted = HEADER_BYTES + samples * bytes.readUInt32LE(16);
  if (bytes.length !== wanted)
    return `it has ${bytes.length} bytes instead of ${wanted}`;
  const marks = bytes.subarray(HEADER_BYTES);
  if (crc32(marks) !== bytes.readUInt32LE(20))
    return "its marks fail their checksum";
  const known: ReadonlySet<number> = new Set(Object.values(Mark));
  const odd = marks.find((mark) => !known.has(mark));
  return odd === undefined ? null : `it has a mark ${odd}`;
}

/** The rows of a file without defect, one after the other: [samples, classes]. */
export function readMarksOf(file: Uint8Array): Uint8Array {
  return file.subarray(HEADER_BYTES);
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
