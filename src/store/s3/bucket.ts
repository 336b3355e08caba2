/**
 * The requests that the store sends, one method each, without trying again. What a request can answer is a value
 * (absent, refused by its condition); what goes wrong is thrown as the SDK throws it and understood in `failure.ts`.
 *
 * B1 Bodies go up as whole buffers of known length, never as streams.
 * B2 A HEAD has no body to say why it was refused, nor whether the object or the whole bucket is absent. Where that
 *    matters it is asked again as a GET of one byte.
 */
import type { ByteRange } from "../store.ts";
import type { Connection } from "./connection.ts";
import { toName, toStatus, UnusableAnswer } from "./failure.ts";
import { toGot, toLack } from "./got.ts";
import type { Got, Lack } from "./got.ts";
import { toHead } from "./head.ts";
import type { Head } from "./head.ts";

/** What must be there for a write to happen. */
export type Condition =
  | { readonly kind: "absent" }
  | { readonly kind: "etag"; readonly etag: string };

export type Written =
  | { readonly kind: "written"; readonly etag: string }
  | { readonly kind: "refused" };

export type Part = {
  readonly number: number;
  readonly etag: string;
  /** Base64, as S3 has it. */
  readonly crc32: string;
};

export type ListedKey = {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
};
export type ListPage = {
  readonly keys: readonly ListedKey[];
  /** With a delimiter: prefixes right below, each ending in `/`. */
  readonly prefixes: readonly string[];
  readonly next: string | null;
};

export type Bucket = ReturnType<typeof createBucket>;

export function createBucket(name: string, open: () => Promise<Connection>) {
  /** Whether the bucket is known to exist, so that 404 means an absent object (B2). */
  let isConfirmed = false;
  /** Until the server says that it knows no conditions of a DELETE. */
  let removesByEtag = true;

  async function get(
    key: string,
    options: { readonly range?: ByteRange; readonly ifMatch?: string } = {},
  ): Promise<Got | Lack> {
    const { sdk, client } = await open();
    const { range, ifMatch } = options;
    try {
      const output = await client.send(
        new sdk.GetObjectCommand({
          Bucket: name,
          Key: key,
          IfMatch: ifMatch,
          Range:
            range && `bytes=${range.offset}-${range.offset + range.length - 1}`,
        }),
      );
      isConfirmed = true;
      return toGot(output);
    } catch (thrown) {
      const lack = toLack(thrown);
      if (lack === "absent") isConfirmed = true;
      return lack;
    }
  }

  /** B2. */
  async function askAgain(key: string): Promise<Head | null> {
    const first = await get(key, { range: { offset: 0, length: 1 } });
    // An object of no bytes has no first one: it is asked for as a whole.
    const got = first === "outside" ? await get(key) : first;
    if (typeof got === "string") return null;
    got.body.destroy();
    return got.head;
  }

  return {
    get,
    async head(key: string): Promise<Head | null> {
      const { sdk, client } = await open();
      try {
        const output = await client.send(
          new sdk.HeadObjectCommand({
            Bucket: name,
            Key: key,
            ChecksumMode: "ENABLED",
          }),
        );
        isConfirmed = true;
        return toHead(output, output.ContentLength ?? 0);
      } catch (thrown) {
        const status = toStatus(thrown);
        if (status === 404 && isConfirmed) return null;
        if (status !== null && status >= 400 && status < 500)
          return askAgain(key);
        throw thrown;
      }
    },

    async put(options: {
      readonly key: string;
      readonly bytes: Uint8Array;
      readonly condition: Condition;
      readonly metadata: Readonly<Record<string, string>>;
      readonly crc32: string;
    }): Promise<Written> {
      const { sdk, client } = await open();
      return orRefused(async () => {
        const output = await client.send(
          new sdk.PutObjectCommand({
            Bucket: name,
            Key: options.key,
            Body: toBuffer(options.bytes),
            ContentLength: options.bytes.byteLength,
            ChecksumCRC32: options.crc32,
            Metadata: { ...options.metadata },
            ...toInput(options.condition),
          }),
        );
        return { kind: "written", etag: requireEtag(output.ETag) };
      });
    },

    /** Removes the object if it is still the one with this etag; servers without conditions here remove any. */
    async remove(key: string, etag: string): Promise<"removed" | "refused"> {
      const { sdk, client } = await open();
      const send = async (condition: {
        IfMatch?: string;
      }): Promise<Written> => {
        const target = { Bucket: name, Key: key };
        await client.send(
          new sdk.DeleteObjectCommand({ ...target, ...condition }),
        );
        return { kind: "written", etag };
      };
      const outcome = await orRefused(async () => {
        if (!removesByEtag) return send({});
        try {
          return await send({ IfMatch: etag });
        } catch (thrown) {
          if (toStatus(thrown) !== 501) throw thrown;
          removesByEtag = false;
          return send({});
        }
      });
      return outcome.kind === "written" ? "removed" : "refused";
    },

    async listPage(options: {
      readonly prefix: string;
      readonly delimiter?: "/";
      readonly after: string | null;
    }): Promise<ListPage> {
      const { sdk, client } = await open();
      const output = await client.send(
        new sdk.ListObjectsV2Command({
          Bucket: name,
          Prefix: options.prefix,
          Delimiter: options.delimiter,
          ContinuationToken: options.after ?? undefined,
        }),
      );
      const next = output.NextContinuationToken ?? null;
      if (output.IsTruncated === true && next === null)
        throw new UnusableAnswer("a page of a listing lacks its continuation");
      return {
        keys: (output.Contents ?? []).map(({ Key, Size, LastModified }) => ({
          key: Key ?? "",
          sizeBytes: Size ?? 0,
          modifiedAtMs: LastModified?.getTime() ?? 0,
        })),
        prefixes: (output.CommonPrefixes ?? []).map(
          ({ Prefix }) => Prefix ?? "",
        ),
        next: output.IsTruncated === true ? next : null,
      };
    },

    /** Begins a multipart upload, and returns its id. */
    async createUpload(
      key: string,
      metadata: Readonly<Record<string, string>>,
    ): Promise<string> {
      const { sdk, client } = await open();
      const output = await client.send(
        new sdk.CreateMultipartUploadCommand({
          Bucket: name,
          Key: key,
          Metadata: { ...metadata },
          ChecksumAlgorithm: "CRC32",
          ChecksumType: "FULL_OBJECT",
        }),
      );
      if (output.UploadId) return output.UploadId;
      throw new UnusableAnswer("an upload was begun without an id");
    },

    async uploadPart(options: {
      readonly key: string;
      readonly upload: string;
      readonly number: number;
      readonly bytes: Uint8Array;
      readonly crc32: string;
    }): Promise<Part> {
      const { sdk, client } = await open();
      const { key, upload, number, bytes, crc32 } = options;
      const output = await client.send(
        new sdk.UploadPartCommand({
          Bucket: name,
          Key: key,
          UploadId: upload,
          PartNumber: number,
          Body: toBuffer(bytes),
          ContentLength: bytes.byteLength,
          ChecksumCRC32: crc32,
        }),
      );
      return { number, etag: requireEtag(output.ETag), crc32 };
    },

    /** `gone`: the upload is over already, perhaps by an earlier try of this request. */
    async completeUpload(options: {
      readonly key: string;
      readonly upload: string;
      readonly parts: readonly Part[];
      readonly crc32: string;
      readonly condition: Condition;
    }): Promise<Written> {
      const { sdk, client } = await open();
      return orRefused(async () => {
        const output = await client.send(
          new sdk.CompleteMultipartUploadCommand({
            Bucket: name,
            Key: options.key,
            UploadId: options.upload,
            MultipartUpload: {
              Parts: options.parts.map(({ number, etag, crc32 }) => ({
                PartNumber: number,
                ETag: etag,
                ChecksumCRC32: crc32,
              })),
            },
            ChecksumCRC32: options.crc32,
            ChecksumType: "FULL_OBJECT",
            ...toInput(options.condition),
          }),
        );
        return { kind: "written", etag: requireEtag(output.ETag) };
      });
    },

    async abortUpload(key: string, upload: string): Promise<void> {
      const { sdk, client } = await open();
      try {
        await client.send(
          new sdk.AbortMultipartUploadCommand({
            Bucket: name,
            Key: key,
            UploadId: upload,
          }),
        );
      } catch (thrown) {
        if (toName(thrown) !== "NoSuchUpload") throw thrown;
      }
    },
  };
}

/**
 * A condition that does not hold: 412; 404 where `If-Match` names an object that is gone, or a multipart upload that
 * is over.
 */
async function orRefused(send: () => Promise<Written>): Promise<Written> {
  try {
    return await send();
  } catch (thrown) {
    const isGone = ["NoSuchKey", "NoSuchUpload"].includes(toName(thrown));
    if (isGone || toStatus(thrown) === 412) return { kind: "refused" };
    throw thrown;
  }
}

function toInput(condition: Condition) {
  return condition.kind === "absent"
    ? { IfNoneMatch: "*" }
    : { IfMatch: condition.etag };
}

function requireEtag(etag: string | undefined): string {
  if (etag) return etag;
  throw new UnusableAnswer("a write was answered without an ETag");
}

/** The SDK hashes and sends Buffers without a copy. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
