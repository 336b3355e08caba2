/**
 * Who writes checkpoints behind the training: a thread of its own, with a store connection of its own, because checksums,
 * signatures and TLS of hundreds of megabytes would hold up the thread that trains. The same work on the caller's thread is for
 * stores that live in one thread's memory.
 *
 * A One job at a time: whoever gives the next one before the first has ended has a bug.
 * B A thread that dies fails the job it had, with its reason. It never keeps a process alive.
 */
import { Worker } from "node:worker_threads";
import { TransientError, UserError, type ExitCode } from "../../base/errors.ts";
import { siblingModule } from "../../base/sibling-module.ts";
import type { Store } from "../store.ts";
import { keepTrying, type Patience } from "./keep-trying.ts";
import {
  writeCheckpoint,
  type CheckpointJob,
  type CheckpointOwner,
  type WriteOutcome,
} from "./write-checkpoint.ts";

export type CheckpointWriter = {
  write(job: CheckpointJob): Promise<WriteOutcome>;
  /** Touches fresh memory, so that the first copy into it is as fast as the others. */
  prepare(memory: readonly Uint8Array<SharedArrayBuffer>[]): void;
  close(): Promise<void>;
};

/** What a thread is started with. */
export type WriterSetup = {
  readonly storeUrl: string;
  readonly owner: CheckpointOwner;
  readonly outageMs: number;
};

export type ToThread =
  | { readonly kind: "write"; readonly job: CheckpointJob }
  | {
      readonly kind: "prepare";
      readonly memory: readonly Uint8Array<SharedArrayBuffer>[];
    };

export type FromThread =
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "ended"; readonly outcome: WriteOutcome }
  | { readonly kind: "failed"; readonly failure: ThreadFailure };

/** An error on its way between threads, where classes and fields of errors are lost. */
export type ThreadFailure = {
  readonly kind: "user" | "transient" | "bug";
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly exitCode: ExitCode;
  readonly stack: string | null;
};

/** Writes on the caller's thread. */
export function createDirectWriter(
  store: Store,
  owner: CheckpointOwner,
  patience: Patience,
): CheckpointWriter {
  return {
    write: (job) =>
      keepTrying(
        describeJob(job),
        () => writeCheckpoint(store, owner, job),
        patience,
      ),
    prepare: () => undefined,
    close: () => Promise.resolve(),
  };
}

export function describeJob({ step }: Pick<CheckpointJob, "step">): string {
  return `the checkpoint of step ${step}`;
}

/** Starts the thread. */
export function startWriterThread(
  setup: WriterSetup,
  onWaiting: (reason: string) => void,
): CheckpointWriter {
  const thread = new Worker(siblingModule(import.meta.url, "writer-thread"), {
    workerData: setup,
  });
  thread.unref();
  let pending: PromiseWithResolvers<WriteOutcome> | null = null;
  let death: Error | null = null;
  const settle = (
    how: (waiting: PromiseWithResolvers<WriteOutcome>) => void,
  ): void => {
    const waiting = pending;
    pending = null;
    thread.unref();
    if (waiting !== null) how(waiting);
  };
  const die = (error: Error): void => {
    death ??= error;
    settle(({ reject }) => reject(death));
  };
  thread.on("message", (message: FromThread) => {
    if (message.kind === "waiting") onWaiting(message.reason);
    else if (message.kind === "ended")
      settle(({ resolve }) => resolve(message.outcome));
    else settle(({ reject }) => reject(toThrown(message.failure)));
  });
  thread.on("error", die); // B
  thread.on("exit", (code) =>
    die(new Error(`the thread that writes checkpoints ended with ${code}`)),
  );
  const send = (message: ToThread): void => thread.postMessage(message);
  return {
    write(job) {
      if (death !== null) return Promise.reject(death);
      if (pending !== null) throw new Error("a checkpoint is being written"); // A
      pending = Promise.withResolvers();
      // A write that somebody waits for keeps the process alive until it has ended.
      thread.ref();
      send({ kind: "write", job });
      return pending.promise;
    },
    prepare: (memory) => send({ kind: "prepare", memory }),
    async close() {
      await thread.terminate();
    },
  };
}

function toThrown(failure: ThreadFailure): Error {
  const { kind, code, message, hint, exitCode, stack } = failure;
  if (kind === "transient") return new TransientError({ code, message });
  if (kind === "user")
    return new UserError({
      code,
      message,
      ...(hint === null ? {} : { hint }),
      ...(exitCode === 64 ? { exitCode } : {}),
    });
  const bug = new Error(message);
  if (stack !== null) bug.stack = stack;
  return bug;
}
