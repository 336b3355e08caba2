/**
 * How far the running tasks of a Run are, from the ends of their logs in the store. Whoever may not read the store sees
 * the Run all the same: the reason is said once, and nothing more is asked.
 */
import { toError } from "../../base/errors.ts";
import type { TaskProgress } from "../../executor/executor.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Environment } from "../environment.ts";

/** Workers send their lines every few seconds. */
const READ_EVERY_MS = 5_000;

export type ProgressReader = {
  /** What is known now; asks anew in the background when that is old. */
  of(run: Run): readonly TaskProgress[];
};

export function createProgressReader(
  environment: Environment,
  say: (line: string) => void,
): ProgressReader {
  const { clock } = environment;
  let known: readonly TaskProgress[] = [];
  let nextMs = Number.NEGATIVE_INFINITY;

  const read = async (url: string, storeRun: string): Promise<void> => {
    nextMs = Number.POSITIVE_INFINITY;
    try {
      // Late: what reads a store is more than what shows a Run.
      const [{ openStoreOption }, { lookAtRun }] = await Promise.all([
        import("../store-option.ts"),
        import("../look-at-run.ts"),
      ]);
      const store = openStoreOption(url, environment);
      known = (await lookAtRun(store, storeRun, environment)).progress;
      nextMs = clock.monotonicMs() + READ_EVERY_MS;
    } catch (thrown) {
      known = [];
      say(`steps of tasks are not shown: ${toError(thrown).message}`);
    }
  };
  return {
    of({ status }) {
      const { store, storeRun, counts } = status ?? {};
      const isDue = clock.monotonicMs() >= nextMs;
      if (store && storeRun && isDue && (counts?.running ?? 0) > 0)
        void read(store, storeRun);
      const running = new Set(
        status?.notes?.flatMap(({ task, phase }) =>
          phase === "Running" ? [task] : [],
        ),
      );
      return known.filter(({ task }) => running.has(task));
    },
  };
}
