/**
 * Brings many objects of a store into a folder: parallel ranges over all files, in bounded memory, each file verified
 * and seen whole or not at all (`partial-file.ts`), an interrupted download resumed range by range.
 *
 * D1 Memory: a fixed number of lanes, each with one buffer of a range, used again and again. (A bucket that asks for a
 *    late range a second time holds that one twice.)
 * D2 Every file's CRC-32 is combined from its ranges' and compared before the file gets its name. Where it differs, each
 *    range is read again: what differs then was damaged on its way; what does not is damaged in the store.
 */
import { crc32 } from "node:zlib";
import { crc32Hex } from "../crc32-hex.ts";
import { TransientError, UserError } from "../../base/errors.ts";
import type { Store } from "../store.ts";
import { combineCrc32 } from "./crc32-combine.ts";
import { openPartialFile } from "./partial-file.ts";
import type { FileRange, PartialFile } from "./partial-file.ts";
import { createProgressMeter } from "./transfer.ts";
import type { DownloadOptions, ObjectToDownload } from "./transfer.ts";

/** A request costs both sides a millisecond; twice as long ranges save a tenth of the time from a server beside us. */
const rangeBytes = 16 * 1024 * 1024;
const defaultInFlightBytes = 8 * rangeBytes;

/**
 * Downloads all objects, or throws the first failure after what was in flight has ended: `transfer.absent`,
 * `store.damaged`, `file.refused` (UserError), whatever the store throws, or the signal's reason.
 * Files that are there already are written over; it is the caller's to leave out what need not be moved.
 */
export async function downloadObjects(
  store: Store,
  objects: readonly ObjectToDownload[],
  options: DownloadOptions = {},
): Promise<void> {
  const {
    signal,
    maxInFlightBytes = defaultInFlightBytes,
    flush = true,
  } = options;
  const opened = new Set<PartialFile>();
  const meter = createProgressMeter({
    totalBytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    totalFiles: objects.length,
    onProgress: options.onProgress,
  });

  async function finish(download: Download, buffer: Uint8Array): Promise<void> {
    await requireRightSum(store, download, buffer);
    await download.part.publish({ flush });
    opened.delete(download.part);
    meter.add({ files: 1 });
  }

  /** Opens file after file as lanes come free; an empty file, or one that came whole before, is finished at once. */
  async function* jobs(): AsyncGenerator<Job> {
    for (const object of objects) {
      const part = await openPartialFile(object, rangeBytes);
      opened.add(part);
      const missing = part.ranges.filter(({ index }) => !part.sums.has(index));
      const there = part.ranges.filter(({ index }) => part.sums.has(index));
      meter.add({ bytes: there.reduce((sum, { length }) => sum + length, 0) });
      const download = { object, part, missing: missing.length };
      if (missing.length === 0)
        await finish(download, new Uint8Array(rangeBytes));
      for (const range of missing) yield { download, range };
    }
  }

  const queue = jobs();
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    let buffer: Uint8Array | null = null;
    try {
      for (;;) {
        signal?.throwIfAborted();
        const { value: job, done } = await queue.next();
        if (done === true || hasFailed) return;
        // D1. Not zeroed: only what was read into it is used.
        buffer ??= Buffer.allocUnsafeSlow(rangeBytes);
        await fetchRange(store, job.download, job.range, buffer);
        meter.add({ bytes: job.range.length });
        if (--job.download.missing === 0) await finish(job.download, buffer);
      }
    } catch (thrown) {
      hasFailed = true;
      throw thrown;
    }
  };
  const count = Math.max(1, Math.floor(maxInFlightBytes / rangeBytes));
  const lanes = Array.from({ length: count }, lane);
  const ended = await Promise.allSettled(lanes);
  await queue.return(undefined);
  // What went wrong first is told, whatever closing meets.
  await Promise.allSettled([...opened].map((part) => part.close()));
  const failed = ended.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}

type Download = {
  readonly object: ObjectToDownload;
  readonly part: PartialFile;
  /** Ranges that have not come yet. */
  missing: number;
};

type Job = { readonly download: Download; readonly range: FileRange };

/** Returns the range's CRC-32. */
async function fetchRange(
  store: Store,
  { object, part }: Download,
  range: FileRange,
  buffer: Uint8Array,
): Promise<number> {
  const bytes = buffer.subarray(0, range.length);
  if (!(await store.readInto(object.path, range.offset, bytes)))
    throw new UserError({
      code: "transfer.absent",
      message: `'${object.path}' is not in ${store.url}`,
      hint: "it was removed since its manifest was written: run again what made it",
    });
  const sum = crc32(bytes);
  await part.write(range, bytes, sum);
  return sum;
}

/** D2. */
async function requireRightSum(
  store: Store,
  download: Download,
  buffer: Uint8Array,
): Promise<void> {
  const { object, part } = download;
  const found = combine(part);
  if (found === object.crc32) return;
  let hasChanged = false;
  for (const range of part.ranges) {
    const before = part.sums.get(range.index);
    const sum = await fetchRange(store, download, range, buffer);
    if (sum !== before) hasChanged = true;
  }
  if (combine(part) === object.crc32) return;
  if (hasChanged)
    throw new TransientError({
      code: "transfer.damaged",
      message: `'${object.path}' comes damaged from ${store.url}, differently each time`,
    });
  throw new UserError({
    code: "store.damaged",
    message: `'${object.path}' is damaged in ${store.url}: its CRC-32 is ${found}, and its manifest has ${object.crc32}`,
    hint: "remove the object and run again: what made it is then computed anew",
  });
}

function combine({ ranges, sums }: PartialFile): string {
  const whole = ranges.reduce(
    (sum, { index, length }) => combineCrc32(sum, sums.get(index) ?? 0, length),
    0,
  );
  return crc32Hex(whole);
}
