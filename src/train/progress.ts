/** How fast training goes and how long it still takes, for people. At most one report a second. */
import type { Clock } from "../base/clock.ts";
import type { LoaderUse } from "./loader-meter.ts";

export type ProgressReport = {
  readonly step: number;
  readonly steps: number;
  readonly detail: string;
  /** Where time went since the last report; null: everything is in memory. */
  readonly loader: LoaderUse | null;
};

const REPORT_EVERY_MS = 1000;

/** A function to call after each step; it reports when a second has passed since its last report, and at the end. */
export function createProgressMeter(options: {
  readonly clock: Clock;
  readonly imagesPerStep: number;
  report(progress: Omit<ProgressReport, "loader">): void;
}): (done: number, steps: number, loss: number) => void {
  const { clock, imagesPerStep } = options;
  let last: { readonly atMs: number; readonly done: number } | null = null;
  return (done, steps, loss) => {
    const atMs = clock.monotonicMs();
    const passedMs = last === null ? 0 : atMs - last.atMs;
    if (last !== null && passedMs < REPORT_EVERY_MS && done < steps) return;
    const stepMs = last === null ? 0 : passedMs / Math.max(1, done - last.done);
    const speed =
      stepMs === 0
        ? ""
        : `, ${Math.round((imagesPerStep * 1000) / stepMs)} images/s, ${clockTime((steps - done) * stepMs)} left`;
    options.report({
      step: done,
      steps,
      detail: `loss ${loss.toFixed(3)}${speed}`,
    });
    last = { atMs, done };
  };
}

/** Minutes and seconds: `2:05`. */
function clockTime(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
