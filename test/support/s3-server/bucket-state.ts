/**
 * The objects of the test server's one bucket, in memory: S3's rules of conditions, checksums, listings and multipart
 * uploads, and the ways of servers that do not keep them. Everything is synchronous, so each request is atomic.
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

export type StoredObject = {
  readonly key: string;
  readonly bytes: Buffer;
  readonly etag: string;
  readonly modifiedAt: Date;
  /** `x-amz-meta-…` headers. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Base64. */
  readonly crc32: string;
};

/** A refusal, with the code that S3 gives it. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/** What a server may get wrong for good. */
export type Misbehaviour = {
  readonly ignoresIfNoneMatch?: boolean;
  readonly ignoresIfMatch?: boolean;
  readonly ignoresUploadConditions?: boolean;
  /** Answers 501 to a DELETE with a condition. */
  readonly lacksConditionalRemoval?: boolean;
  readonly ignoresChecksums?: boolean;
  readonly ignoresRanges?: boolean;
  readonly losesMetadata?: boolean;
  /** Announces no length: bodies come in chunks (RFC 9112, 7.1). */
  readonly sendsChunks?: boolean;
  readonly closesConnections?: boolean;
  /** Stores so many bytes fewer. */
  readonly cutsBytes?: number;
};

export type Headers = Readonly<Record<string, string | undefined>>;

export type ListQuery = {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
  readonly max: number;
  readonly isStale: boolean;
};
export type Listed = {
  readonly objects: readonly StoredObject[];
  readonly prefixes: readonly string[];
  /** The last entry of a page that is not the last one. */
  readonly next: string | null;
};

type Upload = {
  readonly key: string;
  readonly headers: Headers;
  readonly parts: Map<number, Buffer>;
};

export type BucketState = ReturnType<typeof createBucketState>;

export function createBucketState(misbehaviour: Misbehaviour) {
  const objects = new Map<string, StoredObject>();
  const uploads = new Map<string, Upload>();
  let stale: readonly StoredObject[] = [];
  let changes = 0;

  function changed(): void {
    // A stale listing shows the bucket as it was up to 16 changes ago.
    if (++changes % 16 === 0) stale = [...objects.values()];
  }

  function checkConditions(key: string, headers: Headers): void {
    const found = objects.get(key);
    const match = headers["if-match"];
    if (headers["if-none-match"] === "*" && found)
      if (!misbehaviour.ignoresIfNoneMatch)
        throw new S3Error(412, "PreconditionFailed");
    if (match === undefined || misbehaviour.ignoresIfMatch) return;
    if (!found) throw new S3Error(404, "NoSuchKey");
    if (found.etag !== match) throw new S3Error(412, "PreconditionFailed");
  }

  function checkSum(headers: Headers, bytes: Buffer): void {
    const sum = headers["x-amz-checksum-crc32"];
    if (misbehaviour.ignoresChecksums || sum === undefined) return;
    if (sum !== toSum(bytes)) throw new S3Error(400, "BadDigest");
  }

  function store(
    key: string,
    headers: Headers,
    sent: Buffer,
    etag: string,
  ): StoredObject {
    const metadata = Object.entries(headers).filter(
      (header): header is [string, string] =>
        header[0].startsWith("x-amz-meta-") && !misbehaviour.losesMetadata,
    );
    const bytes = sent.subarray(
      0,
      Math.max(0, sent.byteLength - (misbehaviour.cutsBytes ?? 0)),
    );
    const object = {
      key,
      bytes,
      etag,
      modifiedAt: new Date(),
      metadata: Object.fromEntries(metadata),
      crc32: toSum(sent),
    };
    objects.set(key, object);
    changed();
    return object;
  }

  return {
    uploads,
    get: (key: string): StoredObject | null => objects.get(key) ?? null,
    keys: (): string[] => [...objects.keys()].sort(),

    put(key: string, headers: Headers, bytes: Buffer): StoredObject {
      checkSum(headers, bytes);
      checkConditions(key, headers);
      return store(key, headers, bytes, `"${md5(bytes)}"`);
    },

    remove(key: string, headers: Headers): void {
      if (misbehaviour.lacksConditionalRemoval && headers["if-match"])
        throw new S3Error(501, "NotImplemented");
      if (!objects.has(key)) return;
      checkConditions(key, headers);
      objects.delete(key);
      changed();
    },

    createUpload(key: string, headers: Headers): string {
      const id = `upload-${uploads.size}-${changes}-${Math.random()}`;
      uploads.set(id, { key, headers, parts: new Map() });
      return id;
    },

    putPart(options: {
      readonly id: string;
      readonly number: number;
      readonly headers: Headers;
      readonly bytes: Buffer;
    }): string {
      const upload = requireUpload(uploads, options.id);
      checkSum(options.headers, options.bytes);
      upload.parts.set(options.number, options.bytes);
      return `"${md5(options.bytes)}"`;
    },

    completeUpload(
      id: string,
      headers: Headers,
      wanted: readonly { readonly number: number; readonly etag: string }[],
    ): StoredObject {
      const upload = requireUpload(uploads, id);
      if (!misbehaviour.ignoresUploadConditions)
        checkConditions(upload.key, headers);
      const parts = wanted.map(({ number, etag }) => {
        const part = upload.parts.get(number);
        if (!part || `"${md5(part)}"` !== etag)
          throw new S3Error(400, "InvalidPart");
        return part;
      });
      const bytes = Buffer.concat(parts);
      checkSum(headers, bytes);
      uploads.delete(id);
      const etag = `"${md5(Buffer.concat(parts.map((part) => Buffer.from(md5(part), "hex"))))}-${parts.length}"`;
      return store(upload.key, upload.headers, bytes, etag);
    },

    list({ prefix, delimiter, after, max, isStale }: ListQuery): Listed {
      const all = isStale ? stale : [...objects.values()];
      const found = new Map<string, StoredObject | null>();
      for (const object of all.filter(({ key }) => key.startsWith(prefix))) {
        const end =
          delimiter === "" ? -1 : object.key.indexOf(delimiter, prefix.length);
        if (end < 0) found.set(object.key, object);
        else found.set(object.key.slice(0, end + 1), null);
      }
      const names = [...found.keys()]
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .filter(
          (name) => Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0,
        );
      const page = names.slice(0, max);
      return {
        objects: page.flatMap((name) => found.get(name) ?? []),
        prefixes: page.filter((name) => found.get(name) === null),
        next: names.length > max ? (page.at(-1) ?? null) : null,
      };
    },
  };
}

function requireUpload(
  uploads: ReadonlyMap<string, Upload>,
  id: string,
): Upload {
  const upload = uploads.get(id);
  if (!upload) throw new S3Error(404, "NoSuchUpload");
  return upload;
}

function toSum(bytes: Buffer): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString("base64");
}

function md5(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("hex");
}
