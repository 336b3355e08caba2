/**
 * When a key may have its next turn: so long after the last one that a burst of changes is one turn, and that what keeps
 * the processor busy takes no more than its share of the time. After one that failed changes wait longer, each time twice as long: what
 * it fails of is seldom mended by them.
 */
import type { Clock } from "../base/clock.ts";
import type { ControllerLimits } from "./service/settings.ts";

const FIRST_PENALTY_MS = 200;

export type Pace = {
  /** A turn is over that kept the processor busy for so long: waiting for answers costs nobody anything. */
  note(key: string, turn: { busyMs: number; hasFailed: boolean }): void;
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
  const failures = new Map<string, number>();
  return {
    note(key, { busyMs, hasFailed }) {
      const count = hasFailed ? (failures.get(key) ?? 0) + 1 : 0;
      if (count === 0) failures.delete(key);
      else failures.set(key, count);
      const shareMs = busyMs * stepGapShare;
      const penaltyMs = count === 0 ? 0 : FIRST_PENALTY_MS * 2 ** (count - 1);
      const gapMs = Math.min(maxStepGapMs, Math.max(shareMs, penaltyMs));
      notBefore.set(key, clock.monotonicMs() + Math.max(stepGapMs, gapMs));
    },
    waitMs: (key) =>
      Math.max(0, (notBefore.get(key) ?? 0) - clock.monotonicMs()),
    forget(key) {
      notBefore.delete(key);
      failures.delete(key);
    },
  };
}
