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
  /** Milliseconds until the key may have a turn; one that is urgent waits for no more than its share. */
  waitMs(key: string, isUrgent?: boolean): number;
  forget(key: string): void;
};

export function createPace(
  clock: Clock,
  limits: Pick<ControllerLimits, "stepGapMs" | "stepGapShare" | "maxStepGapMs">,
): Pace {
  const { stepGapMs, stepGapShare, maxStepGapMs } = limits;
  const last = new Map<string, { atMs: number; shareMs: number }>();
  const failures = new Map<string, number>();
  return {
    note(key, { busyMs, hasFailed }) {
      const count = hasFailed ? (failures.get(key) ?? 0) + 1 : 0;
      if (count === 0) failures.delete(key);
      else failures.set(key, count);
      const penaltyMs = count === 0 ? 0 : FIRST_PENALTY_MS * 2 ** (count - 1);
      const shareMs = Math.max(busyMs * stepGapShare, penaltyMs);
      last.set(key, {
        atMs: clock.monotonicMs(),
        shareMs: Math.min(maxStepGapMs, shareMs),
      });
    },
    waitMs(key, isUrgent = false) {
      const turn = last.get(key);
      if (turn === undefined) return 0;
      const gapMs = isUrgent ? turn.shareMs : Math.max(stepGapMs, turn.shareMs);
      return Math.max(0, turn.atMs + gapMs - clock.monotonicMs());
    },
    forget(key) {
      last.delete(key);
      failures.delete(key);
    },
  };
}
