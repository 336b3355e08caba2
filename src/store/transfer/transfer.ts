/**
 * Many files between a store and a folder, as values: what to move, how far it is, and what one may ask for.
 * `download-objects.ts` brings objects here, `upload-files.ts` takes files there.
 */

/** An object whose size and sum are known, from the manifest that names it. */
export type ObjectToDownload = {
  readonly path: string;
  readonly sizeBytes: number;
  /** CRC-32 (zlib) of the bytes, 8 hexadecimal digits. */
  readonly crc32: string;
  /** Where it goes, absolute. Folders are made. `<file>.part` and `<file>.part.ranges` beside it are used meanwhile. */
  readonly file: string;
};

export type FileToUpload = {
  /** Absolute. */
  readonly file: string;
  readonly path: string;
};

export type UploadedFile = {
  readonly path: string;
  readonly sizeBytes: number;
  /** CRC-32 (zlib) of the bytes that were sent, 8 hexadecimal digits. */
  readonly crc32: string;
};

/** Sums over all files of the transfer. What an earlier, interrupted one had done counts as done. */
export type TransferProgress = {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly doneFiles: number;
  readonly totalFiles: number;
};

export type TransferOptions = {
  /** Called after each range, at most some dozens of times a second. */
  readonly onProgress?: (progress: TransferProgress) => void;
  /** When it aborts, requests in flight end, and its reason is thrown. What has come is kept for the next time. */
  readonly signal?: AbortSignal;
  /** Bytes held in memory, at least one range's. Default: 64 MiB up, 128 MiB down. */
  readonly maxInFlightBytes?: number;
};

export type DownloadOptions = TransferOptions & {
  /**
   * Whether a file's bytes are on its disk before it gets its name. Default: true. Without it a power cut may leave a
   * whole file's name with other bytes; a kill may not.
   */
  readonly flush?: boolean;
};

/** Sums of a transfer, told to whoever asked. */
export function createProgressMeter(options: {
  readonly totalBytes: number;
  readonly totalFiles: number;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}): { add(done: { readonly bytes?: number; readonly files?: number }): void } {
  const { totalBytes, totalFiles, onProgress } = options;
  let doneBytes = 0;
  let doneFiles = 0;
  return {
    add({ bytes = 0, files = 0 }) {
      doneBytes += bytes;
      doneFiles += files;
      onProgress?.({ doneBytes, totalBytes, doneFiles, totalFiles });
    },
  };
}
