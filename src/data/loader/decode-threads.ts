/**
 * Starts the threads of a loader, hands out orders to the one with the least to do, and tells of answers and deaths.
 *
 * Whether it is closed or the process exits without having closed it: no thread is ended inside of native code.
 */
import { Worker } from "node:worker_threads";
import { siblingModule } from "../../base/sibling-module.ts";
import { toError } from "../../base/errors.ts";
import { createGates, shutGates } from "./thread-gate.ts";
import type {
  DecodeOrder,
  FetchOrder,
  ThreadAnswer,
  ThreadSetup,
} from "./messages.ts";

export type DecodeThreads = {
  readonly count: number;
  /** Threads without an image to make. */
  idle(): number;
  /** Blocks that are being fetched. */
  fetching(): number;
  /** Images that are ordered and not answered. */
  decoding(): number;
  fetch(order: FetchOrder): void;
  decode(order: DecodeOrder): void;
  /** Has all threads answer what they have not begun without doing it. */
  drop(): void;
  close(): Promise<void>;
};

export type DecodeThreadsListener = {
  /** The order that is answered comes with its answer. */
  answered(answer: ThreadAnswer): void;
  /** A thread ended on its own: nothing more will come. */
  died(error: Error): void;
};

type Thread = {
  readonly worker: Worker;
  /** Pixels to decode, by job. */
  readonly jobs: Map<number, number>;
  readonly blocks: Set<number>;
};

export function startDecodeThreads(
  count: number,
  setup: Omit<ThreadSetup, "gate" | "index">,
  listener: DecodeThreadsListener,
): DecodeThreads {
  let isClosing = false;
  const gate = createGates(count);
  const shut = (): void => {
    shutGates(gate);
  };
  process.once("exit", shut);
  const threads = Array.from({ length: count }, (_, index): Thread => {
    const worker = new Worker(siblingModule(import.meta.url, "decode-thread"), {
      workerData: { ...setup, gate, index } satisfies ThreadSetup,
    });
    return { worker, jobs: new Map(), blocks: new Set() };
  });
  for (const thread of threads) {
    thread.worker.on("message", (answer: ThreadAnswer) => {
      if (isClosing) return;
      settle(thread, answer);
      listener.answered(answer);
    });
    thread.worker.on("error", (thrown) => {
      if (!isClosing) listener.died(toError(thrown));
    });
    thread.worker.on("exit", (code) => {
      if (!isClosing)
        listener.died(new Error(`a decoding thread ended with code ${code}`));
    });
  }
  const sumOf = (measure: (thread: Thread) => number): number =>
    threads.reduce((sum, thread) => sum + measure(thread), 0);
  return {
    count,
    idle: () => sumOf(({ jobs }) => (jobs.size === 0 ? 1 : 0)),
    fetching: () => sumOf(({ blocks }) => blocks.size),
    decoding: () => sumOf(({ jobs }) => jobs.size),
    fetch(order) {
      const thread = leastOf(threads, ({ blocks }) => blocks.size);
      thread.blocks.add(order.block);
      thread.worker.postMessage(order);
    },
    decode(order) {
      const thread = leastOf(threads, pixelsToDo);
      const pixels = order.images.map(({ width, height }) => width * height);
      thread.jobs.set(
        order.job,
        pixels.reduce((sum, count) => sum + count, 0),
      );
      thread.worker.postMessage(order);
    },
    drop() {
      for (const { worker } of threads) worker.postMessage({ kind: "drop" });
    },
    async close() {
      isClosing = true;
      process.off("exit", shut);
      shut();
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}

function settle({ jobs, blocks }: Thread, answer: ThreadAnswer): void {
  const order = answer.kind === "failed" ? answer.order : answer;
  if ("job" in order) jobs.delete(order.job);
  else blocks.delete(order.block);
}

function pixelsToDo({ jobs }: Thread): number {
  return [...jobs.values()].reduce((sum, pixels) => sum + pixels, 0);
}

function leastOf(
  threads: readonly Thread[],
  measure: (thread: Thread) => number,
): Thread {
  return threads.reduce((least, thread) =>
    measure(thread) < measure(least) ? thread : least,
  );
}
