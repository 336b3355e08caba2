/**
 * A thread of a loader: brings blocks into shared memory through a store of its own, and makes squares of samples in
 * them. Started by `decode-threads.ts`; does as it is told, one image after the other, and lets the network in between.
 *
 * T1 No byte of a sample is decoded before its checksum is right. One that is wrong is read again from the store, past any
 *    cache: memory, disks and networks may err, and only what the store itself holds, which comes twice alike, decides
 *    that a shard is damaged.
 * T2 Every order is answered, also one that fails or is dropped.
 */
import { readSync } from "node:fs";
import { setImmediate as yieldToEvents } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { crc32 } from "node:zlib";
import { UserError } from "../../base/errors.ts";
import { openStore } from "../../store/open-store.ts";
import { createSampleCropper } from "../crops/crop-sample.ts";
import { VOID_CLASS } from "../crops/place-crop.ts";
import { DecodeError } from "../pixels/decode.ts";
import { sampleName } from "../shards/shard-index.ts";
import { createBlockCache } from "./block-cache.ts";
import { passGate } from "./thread-gate.ts";
import {
  toThreadError,
  type DecodeOrder,
  type FetchOrder,
  type FileRange,
  type ImageOrder,
  type ThreadAnswer,
  type ThreadOrder,
  type ThreadSetup,
} from "./messages.ts";

/** Damage that is another one each time: something on the way is broken for good. */
const READ_AGAIN_AT_MOST = 5;

const setup = workerData as ThreadSetup;
const { arena, slots, side, size } = setup;
// Its URL is absolute: the folder is not asked for.
const store = openStore(setup.storeUrl, { currentFolder: "/" });
const cache = setup.cache && createBlockCache(setup.cache);
const cropper = createSampleCropper({
  guard: (call) => passGate(setup.gate, setup.index, call),
});
const queue: DecodeOrder[] = [];
let isDecoding = false;

function answer(message: ThreadAnswer): void {
  parentPort?.postMessage(message);
}

parentPort?.on("message", (order: ThreadOrder) => {
  if (order.kind === "fetch") void fetchBlock(order);
  else if (order.kind === "decode") queue.push(order);
  else dropQueue();
  if (!isDecoding) void decodeQueue();
});

function dropQueue(): void {
  for (const { job } of queue.splice(0))
    answer({ kind: "decoded", job, images: 0, decodeMs: 0, cropMs: 0 });
}

async function fetchBlock(order: FetchOrder): Promise<void> {
  const { block, start, length } = order;
  try {
    const begun = performance.now();
    const target =
      start === null || arena === null
        ? Buffer.allocUnsafe(length)
        : viewOf(arena, start, length);
    const isCached = (await cache?.read(order.name, target)) ?? false;
    if (!isCached) await readFromStore(order, target);
    if (!isCached) await cache?.write(order.name, target);
    const cacheProblem = cache?.problem() ?? null;
    if (start === null && cacheProblem !== null) throw unusable(cacheProblem);
    answer({
      kind: "fetched",
      block,
      ms: performance.now() - begun,
      requests: isCached ? 0 : 1,
      bytes: isCached ? 0 : length,
      cacheProblem,
    });
  } catch (thrown) {
    answer({ kind: "failed", order: { block }, error: toThreadError(thrown) });
  }
}

async function readFromStore(
  { path, offset }: { readonly path: string; readonly offset: number },
  target: Buffer,
): Promise<void> {
  if (!(await store.readInto(path, offset, target))) throw missing(path);
}

async function decodeQueue(): Promise<void> {
  isDecoding = true;
  for (let order = queue.shift(); order; order = queue.shift())
    await decodeJob(order);
  isDecoding = false;
}

async function decodeJob({ job, slot, images }: DecodeOrder): Promise<void> {
  const before = { ...cropper.spent };
  try {
    for (const image of images) {
      await makeSquare(image, slots[slot] as Uint8Array);
      await yieldToEvents();
    }
    const { decodeMs, cropMs } = cropper.spent;
    answer({
      kind: "decoded",
      job,
      images: images.length,
      decodeMs: decodeMs - before.decodeMs,
      cropMs: cropMs - before.cropMs,
    });
  } catch (thrown) {
    answer({ kind: "failed", order: { job }, error: toThreadError(thrown) });
  }
}

/** Decodes one image, and its mask, into its places in the batch. */
async function makeSquare(image: ImageOrder, slot: Uint8Array): Promise<void> {
  const { index, placement } = image;
  const file = await readChecked(image, image.file);
  const mask = image.mask && (await readChecked(image, image.mask));
  try {
    const pixels = await cropper.crop(file, image, { placement, side });
    const area = side * side;
    slot.set(pixels, index * area * 3);
    if (!setup.withMasks) return;
    const start = size * area * 3 + index * area;
    const square = slot.subarray(start, start + area);
    if (mask) cropper.cropMask(mask, image, { placement, side, square });
    else square.fill(VOID_CLASS);
  } catch (thrown) {
    if (!(thrown instanceof DecodeError)) throw thrown;
    throw corrupt(image, thrown.message);
  }
}

/** The bytes of a file, whose checksum is right (T1). */
async function readChecked(
  image: ImageOrder,
  range: FileRange,
): Promise<Buffer> {
  const found = readPlaced(range);
  let sum = crc32(found);
  if (sum === range.crc32) return found;
  await cache?.discard(image.blockName);
  for (let read = 0; read < READ_AGAIN_AT_MOST; read++) {
    const again = Buffer.allocUnsafe(range.sizeBytes);
    await readFromStore({ path: image.path, offset: range.offset }, again);
    const sumBefore = sum;
    sum = crc32(again);
    if (sum === range.crc32) return again;
    if (sum === sumBefore) break;
  }
  throw corrupt(image, "fails its checksum");
}

function readPlaced({ place, start, sizeBytes }: FileRange): Buffer {
  if (place.kind === "arena")
    return viewOf(arena as Uint8Array, place.start + start, sizeBytes);
  const bytes = Buffer.alloc(sizeBytes);
  // A file that ends early leaves zeros, which fail the checksum.
  let filled = 0;
  while (filled < sizeBytes) {
    const read = readSync(
      place.descriptor,
      bytes,
      filled,
      sizeBytes - filled,
      start + filled,
    );
    if (read === 0) break;
    filled += read;
  }
  return bytes;
}

function viewOf(memory: Uint8Array, start: number, length: number): Buffer {
  return Buffer.from(memory.buffer, memory.byteOffset + start, length);
}

function corrupt({ path, source }: ImageOrder, reason: string): UserError {
  return shardError(
    "data.shard-corrupt",
    path,
    `can not be used: sample ${sampleName(source)} ${reason}`,
  );
}

function missing(path: string): UserError {
  return shardError("data.shard-missing", path, "is not in the store");
}

function shardError(code: string, path: string, what: string): UserError {
  const manifest = /^cas\/[^/]+\//.exec(path)?.[0];
  const file = manifest
    ? `the artifact's manifest (${manifest}manifest.json)`
    : "its artifact";
  return new UserError({
    code,
    message: `shard file '${path}' ${what}`,
    hint: `remove ${file} and run the pipeline again: the shard is packed anew`,
  });
}

/** Where memory is too small the folder is needed. */
function unusable(problem: string): UserError {
  return new UserError({
    code: "data.loader-cache",
    message: `blocks of the dataset can not be kept in '${setup.cache?.directory}': ${problem}`,
    hint: "free space there, name another folder, or allow the loader more memory",
  });
}
