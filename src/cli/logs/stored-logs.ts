/** The logs of a run's tasks in its store, read as they grow: each call gives the whole lines that are new. */
import { layout } from "../../store/layout.ts";
import type { Store } from "../../store/store.ts";

export type StoredLogs = {
  /** Lines of a task since the last call; none where there is no log. */
  readNew(task: string): Promise<readonly string[]>;
};

export function openStoredLogs(store: Store, run: string): StoredLogs {
  const offsets = new Map<string, number>();
  return {
    async readNew(task) {
      const path = layout.runLog(run, task);
      const from = offsets.get(task) ?? 0;
      const size = (await store.stat(path))?.sizeBytes ?? 0;
      if (size <= from) return [];
      const range = { offset: from, length: size - from };
      const bytes = await store.read(path, range);
      // Whole lines only: the rest comes with the next look.
      const end = (bytes?.lastIndexOf(0x0a) ?? -1) + 1;
      if (bytes === null || end === 0) return [];
      offsets.set(task, from + end);
      return new TextDecoder()
        .decode(bytes.subarray(0, end))
        .trimEnd()
        .split("\n");
    },
  };
}
