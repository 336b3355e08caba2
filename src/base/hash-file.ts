/** The SHA-256 of a file on this machine, read in pieces: files may be larger than memory. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

const PIECE_BYTES = 1024 * 1024;

export type FileHash = {
  /** Of what was read. */
  readonly sizeBytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
};

/** Throws what the system says when the file cannot be read. */
export async function hashFile(file: string): Promise<FileHash> {
  const hash = createHash("sha256");
  const pieces: AsyncIterable<Uint8Array> = createReadStream(file, {
    highWaterMark: PIECE_BYTES,
  });
  let sizeBytes = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    sizeBytes += piece.length;
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}
