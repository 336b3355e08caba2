/**
 * When a key may have its next turn: so long after the last one that a burst of changes is one turn, and that what takes
 * long takes no more than its share of the time.
 */
import type { Clock } from "../base/clock.ts";
import type { ControllerLimits } from "./settings.ts";

export type Pace = {
  /** A turn is over that took so long. */
  note(key: string, tookMs: number): void;
  /** Milliseconds until the key may have a turn. */
  waitMs(key: string): number;
  forget(key: string): void;
};

export function createPace(
  clock: Clock,
  limits: Pick<ControllerLimits, "stepGapMs" | "stepGapShare" | "maxStepGapMs">,
): Pace {
  const { stepGapMs, stepGapShare, maxStepGapMs } = limits;
  const notBefore = new Map<string, number>();
  return {
    note(key, tookMs) {
      const shareMs = Math.min(maxStepGapMs, tookMs * stepGapShare);
      const gapMs = Math.max(stepGapMs, shareMs);
      notBefore.set(key, clock.monotonicMs() + gapMs);
    },
    waitMs: (key) =>
      Math.max(0, (notBefore.get(key) ?? 0) - clock.monotonicMs()),
    forget(key) {
      notBefore.delete(key);
    },
  };
}
