/** Where training goes on, as one log line: the trainer itself never logs, and nobody sees a checkpoint being read. */
import type { Logger } from "../base/log.ts";
import type { CheckpointStore } from "../store/artifacts/checkpoints.ts";

/** The same checkpoints; the one that a stage continues from is said, with its step. */
export function logResumption(
  checkpoints: CheckpointStore,
  log: Logger,
): CheckpointStore {
  return {
    ...checkpoints,
    async newest() {
      const found = await checkpoints.newest();
      if (found !== null)
        log.info(
          { resumedAtStep: found.step },
          "training continues from a checkpoint",
        );
      return found;
    },
  };
}
