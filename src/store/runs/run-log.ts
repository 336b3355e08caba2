/**
 * Appends a task's lines to its log in the store, in order, one append at a time, many lines in each. A store that
 * refuses must not stop the work whose log it is: the bytes that are lost are counted, and said once at the end (J).
 */
import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Store } from "../store.ts";

export type RunLog = {
  /** Whole lines, with their line breaks. */
  write(bytes: Uint8Array): void;
  /** Resolves when everything is written, or given up. */
  close(): Promise<void>;
};

export function openRunLog(options: {
  readonly store: Store;
  readonly path: string;
  readonly log: Logger;
  /** Lines are gathered for so long before they are sent; absent: as soon as the append before them is done. */
  readonly gather?: { readonly clock: Clock; readonly ms: number };
}): RunLog {
  const { store, path, log, gather } = options;
  const closing = new AbortController();
  let waiting: Uint8Array[] = [];
  let writing: Promise<void> | null = null;
  let lostBytes = 0;
  let failure: Error | null = null;

  const writeWaiting = async (): Promise<void> => {
    while (waiting.length > 0) {
      await gather?.clock.sleep(gather.ms, closing.signal);
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
      closing.abort();
      await writing;
      if (failure !== null)
        log.warn(
          { path, lostBytes, reason: failure.message },
          "a part of a task's log could not be written",
        );
    },
  };
}
