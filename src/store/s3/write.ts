/**
 * Writing an object under a condition.
 *
 * W1 Every write names what it expects to find: nothing, or the object with a known ETag. A request that was given up
 *    and arrives late finds its condition no longer true, so it cannot undo a later write.
 * W2 Every write carries a random token in its metadata. A write that is refused may be its own doing: an earlier try
 *    of it was done, and its answer lost. The token of what is there now tells.
 * W3 A server that does not check our CRC-32 is asked for the stored size after each write.
 */
import { UserError } from "../../base/errors.ts";
import type { Bucket, Condition, Written } from "./bucket.ts";
import { checksum, createToken, toBase64, toMetadata } from "./head.ts";
import type { Head, ObjectKind } from "./head.ts";
import type { Retry } from "./retry.ts";

export type WriteOutcome =
  | { readonly kind: "written"; readonly etag: string }
  | { readonly kind: "refused"; readonly found: Head | null };

export type Writer = ReturnType<typeof createWriter>;

export function createWriter(options: {
  readonly bucket: Bucket;
  readonly retry: Retry;
  /** W3. */
  checksServer(): Promise<boolean>;
}) {
  const { bucket, retry } = options;

  /** W2. */
  async function settle(
    at: { readonly path: string; readonly key: string; readonly token: string },
    send: () => Promise<Written>,
  ): Promise<WriteOutcome> {
    const answer = await retry.run(`write '${at.path}'`, send);
    if (answer.kind === "written") return answer;
    const found = await retry.run(`look at '${at.path}'`, () =>
      bucket.head(at.key),
    );
    return found?.token === at.token
      ? { kind: "written", etag: found.etag }
      : { kind: "refused", found };
  }

  return {
    settle,

    async put(object: {
      readonly path: string;
      readonly key: string;
      readonly bytes: Uint8Array;
      readonly kind: ObjectKind;
      readonly condition: Condition;
    }): Promise<WriteOutcome> {
      const { path, key, bytes, kind, condition } = object;
      const token = createToken();
      const sum = checksum(bytes);
      const metadata = toMetadata({ kind, token, crc32: sum });
      const crc32 = toBase64(sum);
      const outcome = await settle({ path, key, token }, () =>
        bucket.put({ key, bytes, condition, metadata, crc32 }),
      );
      if (outcome.kind === "written" && !(await options.checksServer()))
        await this.checkSize({ path, key, token, sizeBytes: bytes.byteLength });
      return outcome;
    },

    /** W3. Another object in its place is another writer's, and none of our concern. */
    async checkSize(written: {
      readonly path: string;
      readonly key: string;
      readonly token: string;
      readonly sizeBytes: number;
    }): Promise<void> {
      const { path, key, token, sizeBytes } = written;
      const head = await retry.run(`look at '${path}'`, () => bucket.head(key));
      if (head?.token !== token || head.storedBytes === sizeBytes) return;
      await retry.run(`remove '${path}'`, () => bucket.remove(key, head.etag));
      throw new UserError({
        code: "store.unsafe",
        message: `the S3 server stored ${head.storedBytes} bytes for the ${sizeBytes} of '${path}'; the object was removed`,
        hint: "the server, or a proxy before it, does not keep what it is given: use another one",
      });
    },
  };
}
