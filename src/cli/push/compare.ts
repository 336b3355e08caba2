/**
 * Which local files a store has already: those of the same size whose bytes have the same CRC-32. The objects are read
 * for that, in pieces, and not trusted to be what an earlier push sent: so a push that was broken, and one from another
 * machine, need no notes of what was done.
 */
import { createReadStream } from "node:fs";
import { crc32 } from "node:zlib";
import { mapBounded } from "../../base/async.ts";
import type { Store } from "../../store/store.ts";
import { onLocalFile } from "../../store/transfer/local-files.ts";
import type { LocalFile } from "./list-local.ts";

const COMPARED_AT_ONCE = 8;
const PIECE_BYTES = 8 * 1024 * 1024;

export type Comparison = {
  readonly absent: readonly LocalFile[];
  /** Something else of that name is there. */
  readonly different: readonly LocalFile[];
  readonly same: readonly LocalFile[];
  /** Objects that are no local file. */
  readonly extra: number;
};

/** Compares files with the objects of a store. Throws `file.refused` (UserError). */
export async function compareFiles(
  store: Store,
  files: readonly LocalFile[],
  signal: AbortSignal,
): Promise<Comparison> {
  const there = new Map<string, number>();
  for await (const { path, sizeBytes } of store.list(""))
    there.set(path, sizeBytes);
  const verdicts = await mapBounded(files, COMPARED_AT_ONCE, async (file) => {
    const sizeBytes = there.get(file.name);
    if (sizeBytes === undefined) return "absent";
    if (sizeBytes !== file.sizeBytes) return "different";
    const isSame = await onLocalFile("read", file.file, () =>
      hasSameBytes(store, file, signal),
    );
    return isSame ? "same" : "different";
  });
  const of = (verdict: string): readonly LocalFile[] =>
    files.filter((_, index) => verdicts[index] === verdict);
  const names = new Set(files.map(({ name }) => name));
  return {
    absent: of("absent"),
    different: of("different"),
    same: of("same"),
    extra: [...there.keys()].filter((name) => !names.has(name)).length,
  };
}

async function hasSameBytes(
  store: Store,
  { file, name, sizeBytes }: LocalFile,
  signal: AbortSignal,
): Promise<boolean> {
  let offset = 0;
  const pieces: AsyncIterable<Uint8Array> = createReadStream(file, {
    highWaterMark: PIECE_BYTES,
    signal,
  });
  for await (const piece of pieces) {
    const length = piece.byteLength;
    // It has grown since it was listed.
    if (offset + length > sizeBytes) return false;
    const bytes = await store.read(name, { offset, length });
    if (bytes === null || crc32(bytes) !== crc32(piece)) return false;
    offset += length;
  }
  return offset === sizeBytes;
}
