/**
 * What a worker says, kept in the store too: a pod's own log is gone with the pod. Lines are gathered for a few seconds,
 * since an append to a bucket costs a request. Those from before the task is known wait until it is.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { layout } from "../store/layout.ts";
import { openRunLog, type RunLog } from "../store/runs/run-log.ts";
import type { Store } from "../store/store.ts";

const GATHER_MS = 5000;
/** A store that does not answer must not keep a worker that has ended. */
const LAST_WORDS_MS = 10_000;

export type StoreLog = {
  /** A line with its line break. */
  write(line: string): void;
  open(options: {
    readonly store: Store;
    readonly run: string;
    readonly task: string;
    /** Told what was lost. */
    readonly log: Logger;
  }): void;
  /** Sends what is left; resolves when it is there, or given up. Never rejects. */
  close(): Promise<void>;
};

export function createStoreLog(clock: Clock): StoreLog {
  let early: Uint8Array[] = [];
  let target: RunLog | null = null;
  const take = (bytes: Uint8Array): void => {
    if (target === null) early.push(bytes);
    else target.write(bytes);
  };
  return {
    write(line) {
      take(Buffer.from(line));
    },
    open({ store, run, task, log }) {
      const path = layout.runLog(run, task);
      const gather = { clock, ms: GATHER_MS };
      target = openRunLog({ store, path, log, gather });
      for (const bytes of early) target.write(bytes);
      early = [];
    },
    async close() {
      if (target === null) return;
      const done = new AbortController();
      const closing = target.close().finally(() => {
        done.abort();
      });
      await Promise.race([closing, clock.sleep(LAST_WORDS_MS, done.signal)]);
    },
  };
}
