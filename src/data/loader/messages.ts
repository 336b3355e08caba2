/** What a loader and its threads say to each other: plain values, and numbers that point into memory both see. */
import {
  TransientError,
  UserError,
  toError,
  type ExitCode,
} from "../../base/errors.ts";
import type { Placement } from "../crops/place-crop.ts";
import type { SampleClass } from "../shards/shard-index.ts";

/** Given to a thread at its start. */
export type ThreadSetup = {
  readonly storeUrl: string;
  /** Where blocks lie; null: in files. */
  readonly arena: Uint8Array | null;
  /** The batches in the making: pixels, then masks. In shared memory, as the arena. */
  readonly slots: readonly Uint8Array[];
  /** Images of a batch. */
  readonly size: number;
  readonly side: number;
  readonly withMasks: boolean;
  readonly cache: CacheOptions | null;
  /** One number a thread, and the one of this thread: see `thread-gate.ts`. */
  readonly gate: SharedArrayBuffer;
  readonly index: number;
};

export type CacheOptions = {
  readonly directory: string;
  readonly maxBytes: number;
};

/** Where a block lies: in the arena, or in an open file. */
export type BlockPlace =
  | { readonly kind: "arena"; readonly start: number }
  | { readonly kind: "file"; readonly descriptor: number };

export type FetchOrder = {
  readonly kind: "fetch";
  readonly block: number;
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  /** Name of its file in the cache. */
  readonly name: string;
  /** Where in the arena it goes; null: into a file. */
  readonly start: number | null;
};

/** Bytes of one file of a sample. */
export type FileRange = {
  /** Where in the block. */
  readonly place: BlockPlace;
  readonly start: number;
  /** Where in the shard, for a second look. */
  readonly offset: number;
  readonly sizeBytes: number;
  readonly crc32: number;
};

export type ImageOrder = {
  /** Place in the batch. */
  readonly index: number;
  readonly path: string;
  /** Number of the image in its source, to name it. */
  readonly source: number;
  readonly blockName: string;
  readonly file: FileRange;
  readonly mask: FileRange | null;
  readonly width: number;
  readonly height: number;
  readonly sampleClass: SampleClass;
  readonly placement: Placement;
};

export type DecodeOrder = {
  readonly kind: "decode";
  readonly job: number;
  readonly slot: number;
  readonly images: readonly ImageOrder[];
};

/** `drop`: what was ordered and not begun is answered without being done. */
export type ThreadOrder = FetchOrder | DecodeOrder | { readonly kind: "drop" };

export type Fetched = {
  readonly kind: "fetched";
  readonly block: number;
  readonly ms: number;
  readonly requests: number;
  readonly bytes: number;
  /** Why blocks are no longer kept on disk, the first time; null: they are. */
  readonly cacheProblem: string | null;
};

export type ThreadAnswer =
  | Fetched
  | {
      readonly kind: "decoded";
      readonly job: number;
      readonly images: number;
      readonly decodeMs: number;
      readonly cropMs: number;
    }
  | {
      readonly kind: "failed";
      readonly order: { readonly job: number } | { readonly block: number };
      readonly error: ThreadError;
    };

/** An error, as it passes between threads: its class and fields survive. */
export type ThreadError = {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | null;
  readonly hint: string | null;
  readonly exitCode: ExitCode | null;
  readonly retryAfterMs: number | null;
};

export function toThreadError(thrown: unknown): ThreadError {
  const error = toError(thrown);
  const isUser = error instanceof UserError;
  const isTransient = error instanceof TransientError;
  return {
    name: isUser ? "UserError" : isTransient ? "TransientError" : error.name,
    message: error.message,
    stack: error.stack,
    code: isUser || isTransient ? error.code : null,
    hint: isUser ? error.hint : null,
    exitCode: isUser ? error.exitCode : null,
    retryAfterMs: isTransient ? error.retryAfterMs : null,
  };
}

export function fromThreadError(error: ThreadError): Error {
  const { message, stack, code, hint, exitCode, retryAfterMs } = error;
  if (error.name === "UserError" && code !== null)
    return new UserError({
      code,
      message,
      ...(hint === null ? {} : { hint }),
      ...(exitCode === 64 || exitCode === 65 ? { exitCode } : {}),
    });
  if (error.name === "TransientError" && code !== null)
    return new TransientError({
      code,
      message,
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
    });
  const bug = new Error(message);
  if (stack !== undefined) bug.stack = stack;
  return bug;
}
