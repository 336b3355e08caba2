/**
 * The store in an S3 bucket, AWS's or another's. The conformance suite is the same as a folder's.
 *
 * Owns: turning paths into keys, the three kinds of object (plain, record, log), and the port's outcomes.
 * How a write stays safe is in `s3/write.ts`, how a read survives in `s3/download.ts`, what is tried again in
 * `s3/failure.ts` and `s3/retry.ts`, what the server must be able to do in `s3/probe.ts`.
 * Keys of its own are below `.segments/` and `.probe/`; a listing leaves out every key that is not a path of the port.
 *
 * One difference from a folder: a listing tells a record's stored size, 64 bytes more than `stat` (`s3/record.ts`).
 */
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { TransientError } from "../base/errors.ts";
import { createMixedUse } from "./mixed-use.ts";
import { checkObjectPath, checkPrefix, isObjectPath } from "./path.ts";
import { withExactSize } from "./ranges.ts";
import { createBucket } from "./s3/bucket.ts";
import type { Condition } from "./s3/bucket.ts";
import { connect, refreshCredentials } from "./s3/connection.ts";
import type { ConnectionOptions } from "./s3/connection.ts";
import { createDownload } from "./s3/download.ts";
import { createFetch } from "./s3/fetch.ts";
import { createGate } from "./s3/gate.ts";
import type { Head } from "./s3/head.ts";
import { createHedge } from "./s3/hedge.ts";
import { createListing } from "./s3/listing.ts";
import { createLogs } from "./s3/log.ts";
import { uploadParts } from "./s3/multipart.ts";
import { probeAll, probeWrites, requireSafeWrites } from "./s3/probe.ts";
import type { Capabilities, WriteCapabilities } from "./s3/probe.ts";
import { isEtag, withNonce } from "./s3/record.ts";
import { createReader } from "./s3/read.ts";
import { createRetry, defaultLimits } from "./s3/retry.ts";
import type { RetryLimits } from "./s3/retry.ts";
import type { Wire } from "./s3/wire/wire.ts";
import { createWriter } from "./s3/write.ts";
import type { WriteOutcome } from "./s3/write.ts";
import type { ObjectInfo, Store } from "./store.ts";

export type S3StoreOptions = {
  readonly bucket: string;
  /** Without a `/` at its ends; empty: the whole bucket. */
  readonly prefix: string;
  /** Instead of what the standard AWS configuration says; for tests. */
  readonly connection?: Partial<ConnectionOptions>;
  readonly limits?: Partial<RetryLimits>;
  /** Of a multipart upload; S3 wants at least 5 MiB. */
  readonly partBytes?: number;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
};

export type S3Store = Store & {
  /** What the server can do. Writes and removes a few small objects. */
  probe(): Promise<Capabilities>;
  /** Closes the connections. */
  close(): Promise<void>;
};

const maxRequests = 64;
const defaultPartBytes = 16 * 1024 * 1024;
/** Above this, looking first is cheaper than sending the bytes twice. */
const lookFirstBytes = 1024 * 1024;
const rounds = 100;

export function createS3Store(options: S3StoreOptions): S3Store {
  const { prefix, clock = systemClock, random = Math.random } = options;
  const partBytes = options.partBytes ?? defaultPartBytes;
  const root = prefix === "" ? "" : `${prefix}/`;
  const url = `s3://${options.bucket}/${prefix}`.replace(/\/$/, "");
  const toKey = (path: string): string => root + path;

  const settings = {
    maxSockets: maxRequests,
    idleTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    ...options.connection,
  };
  const open = once(() => connect(settings));
  const bucket = createBucket(options.bucket, open);
  const wire = once(async () => {
    const connection = await open();
    // With the SDK, and not before: signing loads as much.
    const { openWire } = await import("./s3/wire/wire.ts");
    const name = options.bucket;
    return openWire({ connection, bucket: name, timeouts: settings, clock });
  });
  /** A proxy is the SDK's to speak to. */
  const wireUnlessProxied = async (): Promise<Wire | null> =>
    (await open()).isProxied ? null : wire();
  const gate = createGate(maxRequests);
  const retry = createRetry({
    url,
    gate,
    limits: { ...defaultLimits, ...options.limits },
    clock,
    random,
    refreshCredentials: async () => refreshCredentials(await open()),
  });
  const writer = createWriter({
    bucket,
    retry,
    checksServer: async () => (await requireSafe()).checksums,
  });
  const download = createDownload({
    fetch: createFetch(bucket, wireUnlessProxied),
    retry,
    hedge: createHedge({ clock, isCalm: () => gate.limit === maxRequests }),
  });
  const listing = createListing(bucket, retry, root);
  const logs = createLogs({ bucket, download, listing, retry, writer, toKey });
  const probeTools = { bucket, retry, writer, toKey };

  /** Before the first write of this process. */
  const requireSafe = once(async (): Promise<WriteCapabilities> => {
    const found = await probeWrites(probeTools);
    requireSafeWrites(url, found);
    return found;
  });

  const lookAt = (path: string): Promise<Head | null> =>
    retry.run(`look at '${path}'`, () => bucket.head(toKey(path)));
  const reader = createReader({ download, logs, lookAt, toKey });

  async function stat(path: string): Promise<ObjectInfo | null> {
    const head = await lookAt(path);
    if (head === null) return null;
    const sizeBytes = await reader.sizeOf(path, head);
    return { path, sizeBytes, modifiedAtMs: head.modifiedAtMs };
  }

  /** Writes over whatever plain object is there: the last writer wins. */
  async function replace(
    path: string,
    sizeBytes: number,
    write: (condition: Condition) => Promise<WriteOutcome>,
  ): Promise<void> {
    let found = sizeBytes > lookFirstBytes ? await lookAt(path) : null;
    for (let round = 0; round < rounds; round++) {
      if (found?.kind === "record") throw createMixedUse(path);
      if (found?.kind === "log") await logs.removeSegments(path);
      const outcome = await write(toCondition(found?.etag ?? null));
      if (outcome.kind === "written") return;
      found = outcome.found;
    }
    throw busy(path, "written");
  }

  async function put(path: string, bytes: Uint8Array): Promise<void> {
    await requireSafe();
    await replace(path, bytes.byteLength, (condition) =>
      writer.put({ path, key: toKey(path), bytes, kind: "plain", condition }),
    );
  }

  async function putParts(
    path: string,
    sizeBytes: number,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await requireSafe();
    const key = toKey(path);
    const tools = { bucket, retry, writer };
    const upload = await uploadParts({
      ...tools,
      path,
      key,
      sizeBytes,
      partBytes,
      chunks,
    });
    try {
      await replace(path, sizeBytes, upload.complete);
    } catch (thrown) {
      // As in `uploadParts`: what went wrong first is told.
      await upload.abort().catch(() => undefined);
      throw thrown;
    }
    await upload.checkSize();
  }

  return {
    url,
    async stat(path) {
      return stat(checkObjectPath(path));
    },

    read: reader.read,
    readInto: reader.readInto,

    async link(path, validForSeconds) {
      const key = toKey(checkObjectPath(path));
      // No request, but credentials are asked for, which may fail as for one.
      return retry.run(`link to '${path}'`, async () => {
        const opened = await wire();
        return opened ? opened.presign(key, validForSeconds) : null;
      });
    },

    async *list(listPrefix) {
      checkPrefix(listPrefix);
      const behind = await logs.sizesUnder(listPrefix);
      for await (const found of listing.keys(toKey(listPrefix))) {
        const path = found.key.slice(root.length);
        if (!isObjectPath(path)) continue;
        const sizeBytes = found.sizeBytes + (behind.get(path) ?? 0);
        yield { path, sizeBytes, modifiedAtMs: found.modifiedAtMs };
      }
    },

    async listFolders(listPrefix) {
      const names = await listing.folders(toKey(checkPrefix(listPrefix)));
      return names.filter(isObjectPath);
    },

    async put(path, bytes) {
      checkObjectPath(path);
      await put(path, bytes);
    },

    async putIfAbsent(path, bytes) {
      const key = toKey(checkObjectPath(path));
      await requireSafe();
      for (let round = 0; round < rounds; round++) {
        const condition = { kind: "absent" } as const;
        const object = { path, key, bytes, kind: "plain", condition } as const;
        const outcome = await writer.put(object);
        if (outcome.kind === "written") return "written";
        if (outcome.found?.kind === "record") throw createMixedUse(path);
        // Refused, and gone when looked at: somebody removed it in between.
        if (outcome.found) return "exists";
      }
      throw busy(path, "written and removed");
    },

    async putStream(path, sizeBytes, chunks) {
      checkObjectPath(path);
      const exact = withExactSize(path, sizeBytes, chunks);
      if (sizeBytes > partBytes) return putParts(path, sizeBytes, exact);
      await put(path, await collect(exact));
    },

    async append(path, bytes) {
      checkObjectPath(path);
      await requireSafe();
      await logs.append(path, bytes);
    },

    readRecord: reader.readRecord,

    async swap(path, bytes, expected) {
      const key = toKey(checkObjectPath(path));
      await requireSafe();
      if (expected !== null && !isEtag(expected)) return { kind: "changed" };
      const outcome = await writer.put({
        path,
        key,
        bytes: withNonce(bytes),
        kind: "record",
        condition: toCondition(expected),
      });
      if (outcome.kind === "written") return outcome;
      const { found } = outcome;
      if (found && found.kind !== "record") throw createMixedUse(path);
      return { kind: "changed" };
    },

    async remove(path) {
      const key = toKey(checkObjectPath(path));
      for (let round = 0; round < rounds; round++) {
        const head = await lookAt(path);
        if (head === null) return;
        if (head.kind === "log") await logs.removeSegments(path);
        const outcome = await retry.run(`remove '${path}'`, () =>
          bucket.remove(key, head.etag),
        );
        if (outcome === "removed") return;
      }
      throw busy(path, "written");
    },

    probe: () => probeAll(probeTools),
    async close() {
      if (wire.isBegun()) (await wire())?.close();
      if (open.isBegun()) (await open()).client.destroy();
    },
  };
}

function toCondition(etag: string | null): Condition {
  return etag === null ? { kind: "absent" } : { kind: "etag", etag };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  // Copies: a source may use its buffer again.
  for await (const chunk of chunks) parts.push(new Uint8Array(chunk));
  return Buffer.concat(parts);
}

function busy(path: string, how: string): TransientError {
  return new TransientError({
    code: "store.busy",
    message: `'${path}' was ${how} ${rounds} times by others while this process tried to change it`,
  });
}

/** Begins when first asked for; a failure is forgotten, so that the next caller tries again. */
function once<T>(begin: () => Promise<T>): {
  (): Promise<T>;
  isBegun(): boolean;
} {
  let begun: Promise<T> | null = null;
  const get = (): Promise<T> => {
    begun ??= begin().catch((thrown: unknown) => {
      begun = null;
      throw thrown;
    });
    return begun;
  };
  return Object.assign(get, { isBegun: () => begun !== null });
}
