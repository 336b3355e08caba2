/**
 * Large objects in parts: a few in flight, each of them checked and tried again by itself, so that memory is bounded
 * by parts and not by the object, and a fault costs one part. The object appears when the upload is completed, under
 * the same kind of condition as any write (`write.ts`, W1), or not at all: a failed upload is aborted.
 *
 * Bytes that are in memory already go out from where they lie. Copies of 16 MiB made V8 collect garbage several times a
 * checkpoint, on threads that take cores from a training.
 *
 * What a kill leaves behind, and an upload whose id was lost with the answer to its beginning, is invisible, costs space,
 * and is for a lifecycle rule (AbortIncompleteMultipartUpload). Looking for such uploads of the key would find those of
 * other writers as well, which nothing tells apart.
 */
import { crc32 } from "node:zlib";
import { crc32Hex } from "../crc32-hex.ts";
import { combineCrc32 } from "../transfer/crc32-combine.ts";
import type { Bucket, Condition, Part } from "./bucket.ts";
import { createToken, toBase64, toMetadata } from "./head.ts";
import type { Retry } from "./retry.ts";
import type { WriteOutcome, Writer } from "./write.ts";

const partsInFlight = 4;
/** S3's limit is 10,000. */
const maxParts = 9_000;

type Block = { readonly number: number; readonly bytes: Uint8Array };
type SummedBlock = Block & { readonly crc32: string };

/** Bytes that nobody changes before the upload has ended, or chunks that their source may use again. */
export type UploadSource = Uint8Array | AsyncIterable<Uint8Array>;

export type MultipartUpload = {
  /** Makes the parts one object; again, if its condition did not hold. */
  complete(condition: Condition): Promise<WriteOutcome>;
  /** After completion: the server put the parts together as they were sent. */
  checkSize(): Promise<void>;
  abort(): Promise<void>;
};

/** Uploads all parts. Throws the source's own error as it is, after the upload was aborted. */
export async function uploadParts(options: {
  readonly bucket: Bucket;
  readonly retry: Retry;
  readonly writer: Writer;
  readonly path: string;
  readonly key: string;
  readonly sizeBytes: number;
  readonly partBytes: number;
  readonly source: UploadSource;
}): Promise<MultipartUpload> {
  const { bucket, retry, writer, path, key, sizeBytes } = options;
  const token = createToken();
  const metadata = toMetadata({ kind: "plain", token, crc32: null });
  const upload = await retry.run(`begin to write '${path}'`, () =>
    bucket.createUpload(key, metadata),
  );
  const abort = (): Promise<void> =>
    retry.run(`give up writing '${path}'`, () =>
      bucket.abortUpload(key, upload),
    );
  let whole = 0;
  const send = (block: SummedBlock): Promise<Part> =>
    retry.run(`write part ${block.number} of '${path}'`, () =>
      bucket.uploadPart({ key, upload, ...block }),
    );
  async function* blocks(): AsyncGenerator<SummedBlock> {
    const partBytes = toPartBytes(sizeBytes, options.partBytes);
    for await (const block of toBlocks(options.source, partBytes)) {
      const sum = crc32(block.bytes);
      whole = combineCrc32(whole, sum, block.bytes.byteLength);
      yield { ...block, crc32: toBase64(crc32Hex(sum)) };
    }
  }
  const parts = await sendAll(blocks(), send).catch(async (thrown: unknown) => {
    // Without its abort the upload stays invisible; the first failure is the one to be told.
    await abort().catch(() => undefined);
    throw thrown;
  });
  return {
    complete: (condition) =>
      writer.settle({ path, key, token }, () =>
        bucket.completeUpload({
          key,
          upload,
          parts,
          condition,
          crc32: toBase64(crc32Hex(whole)),
        }),
      ),
    checkSize: () => writer.checkSize({ path, key, token, sizeBytes }),
    abort,
  };
}

function toPartBytes(sizeBytes: number, partBytes: number): number {
  return Math.max(partBytes, Math.ceil(sizeBytes / maxParts));
}

/** Cuts bytes or a stream into blocks of one size, the last one smaller. */
function toBlocks(
  source: UploadSource,
  blockBytes: number,
): Iterable<Block> | AsyncIterable<Block> {
  return source instanceof Uint8Array
    ? cut(source, blockBytes)
    : gather(source, blockBytes);
}

function* cut(bytes: Uint8Array, blockBytes: number): Generator<Block> {
  for (let at = 0, number = 1; at < bytes.byteLength; number++) {
    const block = bytes.subarray(at, at + blockBytes);
    at += block.byteLength;
    yield { number, bytes: block };
  }
}

async function* gather(
  chunks: AsyncIterable<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Block> {
  let number = 1;
  let bytes = new Uint8Array(blockBytes);
  let filled = 0;
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.byteLength;) {
      const piece = chunk.subarray(at, at + blockBytes - filled);
      bytes.set(piece, filled);
      filled += piece.byteLength;
      at += piece.byteLength;
      if (filled < blockBytes) continue;
      yield { number, bytes };
      number++;
      bytes = new Uint8Array(blockBytes);
      filled = 0;
    }
  if (filled > 0) yield { number, bytes: bytes.subarray(0, filled) };
}

/** Sends blocks as they come, a few at once; returns when all have ended, one way or the other. */
async function sendAll(
  blocks: AsyncGenerator<SummedBlock>,
  send: (block: SummedBlock) => Promise<Part>,
): Promise<Part[]> {
  const parts: Part[] = [];
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    try {
      // Calls of a generator queue up: each lane gets the next block.
      for (;;) {
        const { value, done } = await blocks.next();
        if (done === true || hasFailed) return;
        parts.push(await send(value));
      }
    } catch (thrown) {
      hasFailed = true;
      throw thrown;
    }
  };
  const lanes = Array.from({ length: partsInFlight }, lane);
  const ended = await Promise.allSettled(lanes);
  await blocks.return(undefined);
  const failed = ended.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
  return parts.sort((a, b) => a.number - b.number);
}
