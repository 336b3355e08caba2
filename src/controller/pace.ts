/**
 * When a key may have its next turn. A burst of changes is one turn: there is a gap between two, the longer the more the last
 * one kept the processor busy, which what is urgent does not wait for. That takes no more than a greater share of the time,
 * but for a reserve: small turns are never held up, and a huge plan does not take all of it. After a turn that failed changes
 * wait longer, each time twice as long: what it fails of is seldom mended by them.
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

type Last = {
  readonly atMs: number;
  readonly busyMs: number;
  /** What the processor was busy for, as far as time has not paid for it (a leaky bucket). */
  readonly debtMs: number;
  readonly penaltyMs: number;
};

export function createPace(
  clock: Clock,
  limits: Pick<
    ControllerLimits,
    | "stepGapMs"
    | "stepGapShare"
    | "urgentGapShare"
    | "stepReserveMs"
    | "maxStepGapMs"
  >,
): Pace {
  const { stepGapMs, stepGapShare, maxStepGapMs } = limits;
  const { urgentGapShare, stepReserveMs } = limits;
  const mostDebtMs = stepReserveMs + maxStepGapMs / urgentGapShare;
  const last = new Map<string, Last>();
  const failures = new Map<string, number>();
  const debtOf = (key: string): number => {
    const { atMs, debtMs } = last.get(key) ?? { atMs: 0, debtMs: 0 };
    const paidMs = (clock.monotonicMs() - atMs) / urgentGapShare;
    return Math.max(0, debtMs - paidMs);
  };
  return {
    note(key, { busyMs, hasFailed }) {
      const count = hasFailed ? (failures.get(key) ?? 0) + 1 : 0;
      if (count === 0) failures.delete(key);
      else failures.set(key, count);
      const penaltyMs = count === 0 ? 0 : FIRST_PENALTY_MS * 2 ** (count - 1);
      last.set(key, {
        atMs: clock.monotonicMs(),
        busyMs,
        debtMs: Math.min(mostDebtMs, debtOf(key) + busyMs),
        penaltyMs: Math.min(maxStepGapMs, penaltyMs),
      });
    },
    waitMs(key, isUrgent = false) {
      const turn = last.get(key);
      if (turn === undefined) return 0;
      const shareMs = (turn.debtMs - stepReserveMs) * urgentGapShare;
      const gapMs = Math.max(stepGapMs, turn.busyMs * stepGapShare);
      const mostMs = Math.max(
        isUrgent ? 0 : Math.min(maxStepGapMs, gapMs),
        shareMs,
        turn.penaltyMs,
      );
      return Math.max(0, turn.atMs + mostMs - clock.monotonicMs());
    },
    forget(key) {
      last.delete(key);
      failures.delete(key);
    },
  };
}
