/**
 * The writes of the port. What stands at the path decides how: a record is written over by `swap` alone, and a log's
 * further segments go before the object that takes its place.
 */
import { TransientError } from "../../base/errors.ts";
import { createMixedUse } from "../mixed-use.ts";
import { checkObjectPath } from "../path.ts";
import { withExactSize } from "../ranges.ts";
import type { Store } from "../store.ts";
import type { Bucket, Condition } from "./bucket.ts";
import type { Head } from "./head.ts";
import type { createLogs } from "./log.ts";
import { uploadParts, type UploadSource } from "./multipart.ts";
import { isEtag, withNonce } from "./record.ts";
import type { Retry } from "./retry.ts";
import type { Writer, WriteOutcome } from "./write.ts";

/** Above this, looking first is cheaper than sending the bytes twice. */
const lookFirstBytes = 1024 * 1024;
const rounds = 100;

type Writes = Pick<
  Store,
  "put" | "putIfAbsent" | "putStream" | "append" | "swap" | "remove"
>;

export function createWrites(options: {
  readonly tools: {
    readonly bucket: Bucket;
    readonly retry: Retry;
    readonly writer: Writer;
  };
  readonly logs: ReturnType<typeof createLogs>;
  /** Of a multipart upload. */
  readonly partBytes: number;
  lookAt(path: string): Promise<Head | null>;
  /** Throws unless the server is safe to write to. */
  requireSafe(): Promise<unknown>;
  toKey(path: string): string;
}): Writes {
  const { tools, logs, partBytes, lookAt, requireSafe, toKey } = options;
  const { bucket, retry, writer } = tools;

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
    if (bytes.byteLength > partBytes)
      return putParts(path, bytes.byteLength, bytes);
    await requireSafe();
    await replace(path, bytes.byteLength, (condition) =>
      writer.put({ path, key: toKey(path), bytes, kind: "plain", condition }),
    );
  }

  async function putParts(
    path: string,
    sizeBytes: number,
    source: UploadSource,
  ): Promise<void> {
    await requireSafe();
    const key = toKey(path);
    const upload = await uploadParts({
      ...tools,
      path,
      key,
      sizeBytes,
      partBytes,
      source,
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
