/**
 * What an S3 server does, found out by doing it under `.probe/`: documentation and product names do not tell, and
 * some servers answer 200 to a condition that they ignore.
 *
 * P1 A server that ignores the conditions of a PUT is refused for writing: two writers could both win (invariant B).
 * P2 A server that does not keep metadata is refused: a write whose answer was lost could not be recognised.
 * P3 Everything else has a substitute, and is reported (invariant J).
 */
import { UserError } from "../../base/errors.ts";
import type { Bucket } from "./bucket.ts";
import { toName, toStatus } from "./failure.ts";
import { checksum, createToken, toBase64, toMetadata } from "./head.ts";
import type { Retry } from "./retry.ts";
import type { Writer } from "./write.ts";

export const probeFolder = ".probe/";

export type WriteCapabilities = {
  /** `PUT` with `If-None-Match: *` leaves an object alone. */
  readonly ifNoneMatch: boolean;
  /** `PUT` with `If-Match` writes only over the named version. */
  readonly ifMatch: boolean;
  /** User metadata comes back. */
  readonly metadata: boolean;
  /** An upload that does not match its CRC-32 is refused. Substitute: the stored size is asked for. */
  readonly checksums: boolean;
};

export type Capabilities = WriteCapabilities & {
  /** `GET` with `Range`. */
  readonly ranges: boolean;
  /** `GET` with `If-Match`. Substitute: ETags are compared. */
  readonly conditionalReads: boolean;
  /** `DELETE` with `If-Match`. Without it, a removal that was repeated may remove a newer object. */
  readonly conditionalRemoval: boolean;
  /** A multipart upload whose condition does not hold is not completed. Without it, the last one wins. */
  readonly conditionalUploads: boolean;
};

const bytes = Buffer.from("hueline probes this server\n");
const otherEtag = '"00000000000000000000000000000000"';

type Tools = {
  readonly bucket: Bucket;
  readonly retry: Retry;
  readonly writer: Writer;
  /** Of a path of our own. */
  toKey(path: string): string;
};

/** Eight small requests: what decides whether this server may be written to. */
export async function probeWrites(tools: Tools): Promise<WriteCapabilities> {
  return withObject(tools, async (object) => {
    const { path, token } = object;
    const again = await write(tools, path, { kind: "absent" });
    const match = { kind: "etag", etag: otherEtag } as const;
    const wrongMatch = await write(tools, path, match);
    return {
      ifNoneMatch: again.kind === "refused",
      ifMatch: wrongMatch.kind === "refused",
      // Not known where the object was replaced; such a server is refused anyway.
      metadata: again.kind === "written" || again.found?.token === token,
      checksums: await refusesWrongChecksum(tools, object),
    };
  });
}

/** Everything that can be found out. */
export async function probeAll(tools: Tools): Promise<Capabilities> {
  const writes = await probeWrites(tools);
  const { bucket, retry } = tools;
  return withObject(tools, async ({ path, key, etag }) => {
    const ranged = await retry.run(`read '${path}'`, async () => {
      const got = await bucket.get(key, { range: { offset: 8, length: 6 } });
      if (typeof got === "string") return false;
      got.body.destroy();
      return got.range?.offset === 8 && got.range.length === 6;
    });
    const conditionalReads = await retry.run(`read '${path}'`, async () => {
      const got = await bucket.get(key, { ifMatch: otherEtag });
      if (typeof got !== "string") got.body.destroy();
      return got === "refused";
    });
    const conditionalUploads = await refusesUpload(tools, path, key);
    const removed = await retry.run(`remove '${path}'`, () =>
      bucket.remove(key, etag === otherEtag ? `"1"` : otherEtag),
    );
    return {
      ...writes,
      ranges: ranged,
      conditionalReads,
      conditionalUploads,
      conditionalRemoval: removed === "refused",
    };
  });
}

/** P1, P2. Throws `store.unsafe`. */
export function requireSafeWrites(url: string, found: WriteCapabilities): void {
  const lacks = [
    found.ifNoneMatch
      ? null
      : "it ignores `If-None-Match`: it replaced an object that a write was to leave alone",
    found.ifMatch
      ? null
      : "it ignores `If-Match`: it replaced another version of an object than the one named",
    found.metadata
      ? null
      : "it loses the metadata of objects (x-amz-meta-…), by which a write knows itself again",
  ].filter((lack) => lack !== null);
  if (lacks.length === 0) return;
  throw new UserError({
    code: "store.unsafe",
    message: `the S3 server of ${url} is not safe to write to: ${lacks.join("; ")}`,
    hint: "two writers could both win there; use AWS S3 or a server with conditional writes, such as versitygw, MinIO or Ceph",
  });
}

type Probed = {
  readonly path: string;
  readonly key: string;
  readonly etag: string;
  readonly token: string;
};

/** Makes an object for the time of `probe`. */
async function withObject<T>(
  tools: Tools,
  probe: (object: Probed) => Promise<T>,
): Promise<T> {
  const path = `${probeFolder}${createToken()}`;
  const key = tools.toKey(path);
  const first = await write(tools, path, { kind: "absent" });
  if (first.kind === "refused") throw refusesAll(path);
  try {
    return await probe({ path, key, ...first });
  } finally {
    await tools.retry.run(`remove '${path}'`, async () => {
      const head = await tools.bucket.head(key);
      if (head) await tools.bucket.remove(key, head.etag);
    });
  }
}

async function write(
  { bucket, writer, toKey }: Tools,
  path: string,
  condition: Parameters<Bucket["put"]>[0]["condition"],
) {
  const key = toKey(path);
  const token = createToken();
  const sum = checksum(bytes);
  const outcome = await writer.settle({ path, key, token }, () =>
    bucket.put({
      key,
      bytes,
      condition,
      metadata: toMetadata({ kind: "plain", token, crc32: sum }),
      crc32: toBase64(sum),
    }),
  );
  return { ...outcome, token };
}

async function refusesWrongChecksum(
  { bucket, retry }: Tools,
  { path, key, etag }: Probed,
): Promise<boolean> {
  return retry.run(`write '${path}'`, async () => {
    try {
      await bucket.put({
        key,
        bytes,
        condition: { kind: "etag", etag },
        metadata: {},
        crc32: toBase64(checksum(bytes.subarray(1))),
      });
      return false;
    } catch (thrown) {
      // Also 400, and says nothing about checksums.
      const isLate = toName(thrown) === "RequestTimeout";
      if (toStatus(thrown) === 400 && !isLate) return true;
      throw thrown;
    }
  });
}

/** The object is there, so an upload that expects none must not be completed. */
async function refusesUpload(
  { bucket, retry, writer }: Tools,
  path: string,
  key: string,
): Promise<boolean> {
  const token = createToken();
  const metadata = toMetadata({ kind: "plain", token, crc32: null });
  const crc32 = toBase64(checksum(bytes));
  const upload = await retry.run(`begin to write '${path}'`, () =>
    bucket.createUpload(key, metadata),
  );
  const part = await retry.run(`write a part of '${path}'`, () =>
    bucket.uploadPart({ key, upload, number: 1, bytes, crc32 }),
  );
  const condition = { kind: "absent" } as const;
  const outcome = await writer.settle({ path, key, token }, () =>
    bucket.completeUpload({ key, upload, parts: [part], crc32, condition }),
  );
  await retry.run(`give up writing '${path}'`, () =>
    bucket.abortUpload(key, upload),
  );
  return outcome.kind === "refused";
}

function refusesAll(path: string): UserError {
  return new UserError({
    code: "store.unsafe",
    message: `the S3 server refused to write '${path}', which nobody else writes, as if it were there`,
    hint: "the server, or a proxy before it, does not keep to S3's conditional writes: use another one",
  });
}
