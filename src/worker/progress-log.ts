/** How far a task is, as log lines that an executor understands: at most one a second, and the last one always. */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { StageProgress } from "../stages/stage.ts";

const EVERY_MS = 1000;

export type ProgressLog = {
  report(progress: StageProgress): void;
  /** Training goes on from a checkpoint; every line says so from now on. */
  resumedAt(step: number): void;
  /** How long a stop will take at least. */
  saveTook(ms: number): void;
  /** Nothing goes on until the store answers. */
  waitForStore(reason: string): void;
  /** The latest step that was reported. */
  steps(): number;
  /** Of the checkpoint that training went on from, or null. */
  resumedAtStep(): number | null;
};

export function createProgressLog(log: Logger, clock: Clock): ProgressLog {
  let latest: StageProgress = { step: 0, steps: 0, detail: "" };
  let nextMs = 0;
  let resumedAtStep: number | null = null;
  let saveMs: number | null = null;
  const say = ({ loader, ...progress }: StageProgress): void => {
    const more = {
      ...(loader ? { loader: toWholeNumbers(loader) } : {}),
      ...(resumedAtStep === null ? {} : { resumedAtStep }),
      ...(saveMs === null ? {} : { saveMs }),
    };
    log.info({ progress: { ...progress, ...more } }, "progress");
  };
  return {
    report(progress) {
      latest = progress;
      const nowMs = clock.monotonicMs();
      if (nowMs < nextMs && progress.step < progress.steps) return;
      nextMs = nowMs + EVERY_MS;
      const resumed =
        resumedAtStep === null ? "" : `, resumed at step ${resumedAtStep}`;
      say({ ...progress, detail: progress.detail + resumed });
    },
    resumedAt(step) {
      resumedAtStep = step;
    },
    saveTook(ms) {
      saveMs = ms;
    },
    waitForStore(reason) {
      say({ ...latest, detail: `waiting for the store: ${reason}` });
    },
    steps: () => latest.step,
    resumedAtStep: () => resumedAtStep,
  };
}

/** Nobody reads fractions of milliseconds. */
function toWholeNumbers(
  loader: NonNullable<StageProgress["loader"]>,
): Readonly<Record<string, number | string | null>> {
  return Object.fromEntries(
    Object.entries(loader).map(([name, value]) => [
      name,
      typeof value === "number" ? Math.round(value) : value,
    ]),
  );
}
