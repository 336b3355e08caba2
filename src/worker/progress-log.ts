/** How far a task is, as log lines that an executor understands: at most one a second, and the last one always. */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { StageProgress } from "../stages/stage.ts";

const EVERY_MS = 1000;

export type ProgressLog = {
  report(progress: StageProgress): void;
  /** The latest step that was reported. */
  steps(): number;
};

export function createProgressLog(log: Logger, clock: Clock): ProgressLog {
  let latest = 0;
  let nextMs = 0;
  return {
    report({ step, steps, detail }) {
      latest = step;
      const nowMs = clock.monotonicMs();
      if (nowMs < nextMs && step < steps) return;
      nextMs = nowMs + EVERY_MS;
      log.info({ progress: { step, steps, detail } }, "progress");
    },
    steps: () => latest,
  };
}
