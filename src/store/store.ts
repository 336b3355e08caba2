/**
 * The port to where artifacts live: one URL, objects by path, the semantics of an S3 bucket.
 *
 * Paths are relative, `/`-separated, without `..`, empty segments or a leading `/`.
 * Two kinds of object, never mixed on one path:
 * - plain objects: written whole (`put`, `putIfAbsent`), seen whole or not at all, also after a kill -9;
 * - records: small, mutable, changed only by compare-and-swap (`swap`), read by `readRecord`. `read` and `stat` give
 *   people and tools a copy of a record that may lag behind; nothing decides by it.
 *
 * Failures: `UserError` when a person must act (read-only, full, refused), `TransientError` when trying again may
 * help. "Not there" is an answer (null), not an error. A listing that fails midway throws.
 */

export type ObjectInfo = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
};

export type ByteRange = { readonly offset: number; readonly length: number };

export type RecordRead = { readonly bytes: Uint8Array; readonly etag: string };

export type SwapOutcome =
  | { readonly kind: "written"; readonly etag: string }
  /** Somebody else's record is there now, or none although one was expected: read again and decide. */
  | { readonly kind: "changed" };

export type Store = {
  /** `file:///path`, `memory:`, `s3://bucket/prefix`. */
  readonly url: string;
  stat(path: string): Promise<ObjectInfo | null>;
  /**
   * The bytes, or those of a range. Throws `store.range` (UserError) if the object ends before the range does, and
   * `store.damaged` (UserError) if the store itself knows that the bytes are not those that were written.
   */
  read(path: string, range?: ByteRange): Promise<Uint8Array | null>;
  /**
   * Fills `target`, which may lie in shared memory, with the bytes from `offset` on, without holding them twice.
   * False: not there. Throws as `read` of that range does; what `target` holds then is not defined.
   */
  readInto(path: string, offset: number, target: Uint8Array): Promise<boolean>;
  /**
   * A URL by which anyone can read the object for so long, with no configuration of their own: a presigned URL of a
   * bucket, the file's of a folder (which does not expire). Null: this store has none. The object need not exist.
   */
  link(path: string, validForSeconds: number): Promise<string | null>;
  /** Objects under a prefix that ends in `/` (or everything), in the order of their paths' code units. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Names of the folders right below a prefix, in order: what S3 calls common prefixes. */
  listFolders(prefix: string): Promise<readonly string[]>;
  /** Writes bytes of any number, which may lie in shared memory, from where they are: they stay as they are until it has ended. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Invariant B's `If-None-Match: *`. */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<"written" | "exists">;
  /** Writes a large object of known length from chunks, without holding it in memory. */
  putStream(
    path: string,
    sizeBytes: number,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<void>;
  /**
   * Adds bytes at the end of a log, which it creates if needed. One writer; neither atomic nor durable: after a
   * kill the last line may be cut. A bucket keeps a log as numbered segments that `read` joins.
   */
  append(path: string, bytes: Uint8Array): Promise<void>;
  readRecord(path: string): Promise<RecordRead | null>;
  /** Writes a record if its etag is still `expected`; null: if there is none. */
  swap(
    path: string,
    bytes: Uint8Array,
    expected: string | null,
  ): Promise<SwapOutcome>;
  /** Removes an object or a record; absent is fine. */
  remove(path: string): Promise<void>;
};
