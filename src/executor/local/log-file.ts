/**
 * Appends a task's lines to its log in the store, in order, one append at a time, many lines in each. A store that
 * refuses must not stop the work whose log it is: the lines that are lost are counted, and said once at the end (J).
 */
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Store } from "../../store/store.ts";
import type { LogSink } from "./worker-log.ts";

export type LogFile = LogSink & {
  /** Resolves when everything is written, or given up. */
  close(): Promise<void>;
};

export function openLogFile(options: {
  readonly store: Store;
  readonly path: string;
  readonly log: Logger;
}): LogFile {
  const { store, path, log } = options;
  let waiting: Uint8Array[] = [];
  let writing: Promise<void> | null = null;
  let lostBytes = 0;
  let failure: Error | null = null;

  const writeWaiting = async (): Promise<void> => {
    while (waiting.length > 0) {
      const bytes = Buffer.concat(waiting);
      waiting = [];
      try {
        await store.append(path, bytes);
      } catch (thrown) {
        lostBytes += bytes.byteLength;
        failure = toError(thrown);
      }
    }
    writing = null;
  };

  return {
    write(bytes) {
      waiting.push(bytes);
      writing ??= writeWaiting();
    },
    async close() {
      await writing;
      if (failure !== null)
        log.warn(
          { path, lostBytes, reason: failure.message },
          "a part of a task's log could not be written",
        );
    },
  };
}
