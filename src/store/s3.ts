/**
 * The store in an S3 bucket, AWS's or another's. The conformance suite is the same as a folder's.
 *
 * Owns: turning paths into keys, and how the parts below `s3/` are put together: the port's reads (`s3/read.ts`) and
 * writes (`s3/writes.ts`), how a write stays safe (`s3/write.ts`) and a read survives (`s3/download.ts`), what is tried
 * again (`s3/failure.ts`, `s3/retry.ts`), what the server must be able to do (`s3/probe.ts`).
 * Keys of its own are below `.segments/` and `.probe/`; a listing leaves out every key that is not a path of the port.
 *
 * One difference from a folder: a listing tells a record's stored size, 64 bytes more than `stat` (`s3/record.ts`).
 */
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { checkObjectPath, checkPrefix, isObjectPath } from "./path.ts";
import { createBucket } from "./s3/bucket.ts";
import { connect, findProxy, refreshCredentials } from "./s3/connection.ts";
import type { ConnectionOptions } from "./s3/connection.ts";
import { createDownload } from "./s3/download.ts";
import { createFetch } from "./s3/fetch.ts";
import { createGate } from "./s3/gate.ts";
import type { Head } from "./s3/head.ts";
import { createHedge } from "./s3/hedge.ts";
import { createLink } from "./s3/wire/link.ts";
import { createListing } from "./s3/listing.ts";
import { createLogs } from "./s3/log.ts";
import { findPlainAccess } from "./s3/plain-access.ts";
import type { Variables } from "./s3/plain-access.ts";
import { probeAll, probeWrites, requireSafeWrites } from "./s3/probe.ts";
import type { Capabilities, WriteCapabilities } from "./s3/probe.ts";
import { createReader } from "./s3/read.ts";
import { createRetry, defaultLimits } from "./s3/retry.ts";
import type { RetryLimits } from "./s3/retry.ts";
import { findAccess } from "./s3/wire/address.ts";
import type { Wire } from "./s3/wire/wire.ts";
import { createWriter } from "./s3/write.ts";
import { createWrites } from "./s3/writes.ts";
import type { ObjectInfo, Store } from "./store.ts";

export type S3StoreOptions = {
  readonly bucket: string;
  /** Without a `/` at its ends; empty: the whole bucket. */
  readonly prefix: string;
  /** Instead of what the standard AWS configuration says; for tests. */
  readonly connection?: Partial<ConnectionOptions>;
  /** The process's environment: where it says all, reads need no SDK. Without it the SDK looks for itself. */
  readonly variables?: Variables;
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

export function createS3Store(options: S3StoreOptions): S3Store {
  const { prefix, clock = systemClock, random = Math.random } = options;
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
  const wire = once(async (): Promise<Wire | null> => {
    // A proxy is the SDK's to speak to.
    if ((await findProxy()) !== null) return null;
    const access =
      (await findPlainAccess(options.bucket, options.variables ?? {})) ??
      (await findAccess(await open(), options.bucket));
    if (access === null) return null;
    // Late: it brings sockets, TLS and hashes, which a folder's commands never need.
    const { openWire } = await import("./s3/wire/wire.ts");
    return openWire({ access, timeouts: settings, clock });
  });
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
    fetch: createFetch(bucket, wire),
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
  const writes = createWrites({
    tools: { bucket, retry, writer },
    partBytes: options.partBytes ?? defaultPartBytes,
    logs,
    lookAt,
    requireSafe,
    toKey,
  });

  async function stat(path: string): Promise<ObjectInfo | null> {
    const head = await lookAt(path);
    if (head === null) return null;
    const sizeBytes = await reader.sizeOf(path, head);
    return { path, sizeBytes, modifiedAtMs: head.modifiedAtMs };
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
        const connection = await open();
        const { bucket: name } = options;
        const link = { connection, bucket: name, key, validForSeconds, clock };
        return createLink(link);
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

    readRecord: reader.readRecord,
    ...writes,

    probe: () => probeAll(probeTools),
    async close() {
      if (wire.isBegun()) (await wire())?.close();
      if (open.isBegun()) (await open()).client.destroy();
    },
  };
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
