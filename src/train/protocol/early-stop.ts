/**
 * The early-stopping protocol of the paper, section 4.1, as a pure state machine.
 *
 * The run is in a stage of its learning rate. Every `every` steps comes a score on held-out samples. A score above the
 * best so far is an improvement; `patience` scores in a row without one are a plateau. A plateau drops the rate and
 * opens the next stage; after `drops` drops the next plateau stops the run. Whatever happens, it stops at `maxSteps`.
 *
 * The best score outlives a drop: a stage that only matches the one before is a plateau too.
 */

export type EarlyStopRule = {
  readonly every: number;
  readonly patience: number;
  readonly drops: number;
  readonly factor: number;
  readonly maxSteps: number;
};

export type EarlyStopState = {
  readonly best: number | null;
  /** Scores since the last improvement or drop. */
  readonly waited: number;
  /** Steps done when the rate dropped, oldest first. */
  readonly dropsAt: readonly number[];
  /** Steps done when the run stopped. */
  readonly stoppedAt: number | null;
};

export const earlyStopStart: EarlyStopState = {
  best: null,
  waited: 0,
  dropsAt: [],
  stoppedAt: null,
};

/** Whether a score is due once `done` steps are done. */
export function isScoreDue(rule: EarlyStopRule, done: number): boolean {
  return done % rule.every === 0 || done >= rule.maxSteps;
}

/** The state after a score taken when `done` steps were done. */
export function afterScore(
  rule: EarlyStopRule,
  state: EarlyStopState,
  { done, score }: { readonly done: number; readonly score: number },
): EarlyStopState {
  if (state.stoppedAt !== null) return state;
  const next = judge(rule, state, done, score);
  return done >= rule.maxSteps ? { ...next, stoppedAt: done } : next;
}

function judge(
  rule: EarlyStopRule,
  state: EarlyStopState,
  done: number,
  score: number,
): EarlyStopState {
  if (state.best === null || score > state.best)
    return { ...state, best: score, waited: 0 };
  if (state.waited + 1 < rule.patience)
    return { ...state, waited: state.waited + 1 };
  return state.dropsAt.length < rule.drops
    ? { ...state, waited: 0, dropsAt: [...state.dropsAt, done] }
    : { ...state, waited: state.waited + 1, stoppedAt: done };
}

/** Factor of the learning rate at step `step`, counted from 0: found while searching, replayed when training again. */
export function earlyStopFactor(
  rule: EarlyStopRule,
  state: EarlyStopState,
  step: number,
): number {
  return rule.factor ** state.dropsAt.filter((at) => step >= at).length;
}
