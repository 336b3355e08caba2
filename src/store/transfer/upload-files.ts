/**
 * Takes many files into a store: each of known length, in chunks, in bounded memory. How a large object goes up in parts
 * is the store's affair (`putStream`); how many files go up at once follows from the memory that their parts take.
 */
import { open, stat } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { crc32Hex } from "../crc32-hex.ts";
import { mapBounded } from "../../base/async.ts";
import { UserError } from "../../base/errors.ts";
import type { Store } from "../store.ts";
import { createByteBudget } from "./byte-budget.ts";
import { onLocalFile } from "./local-files.ts";
import { createProgressMeter } from "./transfer.ts";
import type {
  FileToUpload,
  TransferOptions,
  UploadedFile,
} from "./transfer.ts";

const defaultInFlightBytes = 64 * 1024 * 1024;
const chunkBytes = 16 * 1024 * 1024;
/** Parts that a store holds of one object: four that go up, the one that is being filled, and its source. */
const chunksHeld = 6;
/** Small files take little memory, but each has a descriptor and a request. */
const filesAtOnce = 64;

/**
 * Uploads all files, over whatever plain objects are there, and returns their sizes and sums in the given order. Throws
 * the first failure after what was in flight has ended: `file.refused`, `transfer.changed` (UserError), whatever the
 * store throws, or the signal's reason.
 */
export async function uploadFiles(
  store: Store,
  files: readonly FileToUpload[],
  options: TransferOptions = {},
): Promise<UploadedFile[]> {
  const { signal, maxInFlightBytes = defaultInFlightBytes } = options;
  const sizes = await mapBounded(files, filesAtOnce, ({ file }) =>
    sizeOf(file),
  );
  const meter = createProgressMeter({
    totalBytes: sizes.reduce((sum, size) => sum + size, 0),
    totalFiles: files.length,
    onProgress: options.onProgress,
  });
  const budget = createByteBudget(maxInFlightBytes);
  /** The first one. */
  let failure: { readonly thrown: unknown } | null = null;

  /** Never throws: the others in flight end first. Null: nothing was sent. */
  async function upload(
    { file, path }: FileToUpload,
    sizeBytes: number,
  ): Promise<UploadedFile | null> {
    const give = await budget.take(
      Math.min(sizeBytes, chunksHeld * chunkBytes),
    );
    try {
      signal?.throwIfAborted();
      if (failure !== null) return null;
      let sum = 0;
      async function* chunks(): AsyncGenerator<Uint8Array> {
        for await (const chunk of readChunks(file, sizeBytes)) {
          signal?.throwIfAborted();
          sum = crc32(chunk, sum);
          yield chunk;
          meter.add({ bytes: chunk.byteLength });
        }
      }
      await store.putStream(path, sizeBytes, chunks());
      meter.add({ files: 1 });
      return { path, sizeBytes, crc32: crc32Hex(sum) };
    } catch (thrown) {
      failure ??= { thrown };
      return null;
    } finally {
      give();
    }
  }

  const uploaded = await mapBounded(files, filesAtOnce, (file, index) =>
    upload(file, sizes[index] ?? 0),
  );
  throwIfFailed(failure);
  return uploaded.filter((file) => file !== null);
}

function throwIfFailed(failure: { readonly thrown: unknown } | null): void {
  if (failure !== null) throw failure.thrown;
}

async function sizeOf(file: string): Promise<number> {
  return onLocalFile("read", file, async () => (await stat(file)).size);
}

/** New memory for each chunk: the store may still be sending the one before. */
async function* readChunks(
  file: string,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  const handle = await onLocalFile("read", file, () => open(file, "r"));
  try {
    for (let at = 0; at < sizeBytes;) {
      const length = Math.min(chunkBytes, sizeBytes - at);
      const { bytesRead, buffer } = await onLocalFile("read", file, () =>
        handle.read(Buffer.allocUnsafeSlow(length), 0, length, at),
      );
      if (bytesRead === 0) throw changed(file, sizeBytes, at);
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

function changed(file: string, before: number, now: number): UserError {
  return new UserError({
    code: "transfer.changed",
    message: `'${file}' became shorter while it was uploaded: it had ${before} bytes, and has ${now}`,
    hint: "wait until whoever writes it has finished, and run again",
  });
}
