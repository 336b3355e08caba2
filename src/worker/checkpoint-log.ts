/**
 * What becomes of a task's checkpoints, said: where training goes on from, how long each save takes, and that a save takes
 * longer than the worker is given when it is told to stop. The trainer itself never logs.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { CheckpointStore } from "../store/checkpoints/checkpoints.ts";
import type { ProgressLog } from "./progress-log.ts";

/** The same checkpoints. */
export function logCheckpoints(
  checkpoints: CheckpointStore,
  options: {
    readonly log: Logger;
    readonly clock: Clock;
    readonly progress: ProgressLog;
    readonly graceMs: number | null;
  },
): CheckpointStore {
  const { log, clock, progress, graceMs } = options;
  let isWarned = false;

  const say = (step: number, sizeBytes: number, saveMs: number): void => {
    progress.saveTook(saveMs);
    log.info(
      { checkpointStep: step, saveMs, sizeBytes },
      "a checkpoint was written",
    );
    if (graceMs === null || saveMs <= graceMs || isWarned) return;
    isWarned = true;
    log.warn(
      { saveMs, graceMs },
      "a checkpoint takes longer than the grace of a stop: a stop will lose the steps since the last one",
    );
  };

  return {
    ...checkpoints,
    async newest() {
      const found = await checkpoints.newest();
      if (found === null) return null;
      progress.resumedAt(found.step);
      log.info(
        { resumedAtStep: found.step, writtenInEpoch: found.epoch },
        "training continues from a checkpoint",
      );
      return found;
    },
    async save(checkpoint) {
      const startMs = clock.monotonicMs();
      const saving = await checkpoints.save(checkpoint);
      const written = saving.written.then((outcome) => {
        if (outcome.kind === "written") {
          const saveMs = Math.round(clock.monotonicMs() - startMs);
          say(saving.step, outcome.sizeBytes, saveMs);
        }
        return outcome;
      });
      // Whoever waits for it gets the failure.
      written.catch(() => undefined);
      return { ...saving, written };
    },
  };
}
