/**
 * The types of the session addon (`native/session.cc`): TensorFlow graphs run asynchronously on raw bytes.
 *
 * Types only. `loadEngine` returns the addon itself.
 *
 *   A  A wrong argument throws an `Error` whose `code` is `TF` and TensorFlow's status code (`TF3` invalid argument,
 *      `TF5` not found, `TF9` wrong state) and never crashes. `run` throws at once for arguments that disagree with the
 *      graph, and rejects for what TensorFlow finds while it computes.
 *   B  Feeds are copied before `run` returns; SharedArrayBuffers are fine.
 *   C  A fetched buffer may be a variable's or a constant's own memory: read it, never write to it.
 *   D  A run occupies one thread of libuv's pool. The event loop stays free.
 *   E  A copy's target is written between the call of `run` and its promise, and TensorFlow's memory is free again then.
 */

declare const sessionBrand: unique symbol;
/** A graph and its session. Freed by `closeSession` or when collected. */
export type NativeSession = { readonly [sessionBrand]: true };

export type SessionFeed = {
  /** `node` or `node:index`. */
  readonly name: string;
  /** TensorFlow's `DataType` number: float32 is 1, int32 3, uint8 4, bool 10. Flat types only: no strings, no resources. */
  readonly dtype: number;
  readonly shape: readonly number[];
  /** Row-major elements; exactly as many bytes as dtype and shape say. */
  readonly data: ArrayBufferView | ArrayBuffer;
};

export type SessionCopy = {
  /** `node` or `node:index`. */
  readonly name: string;
  /** Exactly as many bytes as the output has. */
  readonly target: Uint8Array<SharedArrayBuffer>;
};

export type SessionRequest = {
  readonly feeds: readonly SessionFeed[];
  /** Outputs to read: `node` or `node:index`. */
  readonly fetches: readonly string[];
  /** Nodes to run for their effect. */
  readonly targets: readonly string[];
  /** Outputs to write into shared memory, off the JavaScript thread; they are no results. */
  readonly copies?: readonly SessionCopy[] | undefined;
  /** A serialized `RunOptions` (time-out, trace level). */
  readonly options?: Uint8Array | null | undefined;
  /** Whether to return TensorFlow's `RunMetadata`. */
  readonly metadata?: boolean | undefined;
};

export type SessionResult = {
  readonly data: ArrayBuffer;
  readonly shape: number[];
  readonly dtype: number;
};

/** One result per fetch, in order. */
export type SessionResults = SessionResult[] & {
  /** A serialized `RunMetadata`, where it was asked for. */
  readonly metadata?: Uint8Array;
};

export type SessionAddon = {
  /** TensorFlow's version, e.g. `2.18.1`. */
  version(): string;
  /** Imports a serialized `GraphDef`; `config` is a serialized `ConfigProto`; target `""` is this process. */
  newSession(
    graphDef: Uint8Array,
    config: Uint8Array | null,
    target: string,
  ): NativeSession;
  /** Adds nodes, under new names, that refer to each other only; variables are shared with the rest by their `shared_name`. */
  extendSession(session: NativeSession, graphDef: Uint8Array): void;
  run(session: NativeSession, request: SessionRequest): Promise<SessionResults>;
  /** Frees graph and variables. An error while a run is in progress; nothing if it is closed already. */
  closeSession(session: NativeSession): void;
};
