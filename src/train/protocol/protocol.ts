/**
 * What a training run does at each step, as data that the loop follows. Pure.
 *
 * `fixed`: a length and a schedule. `early-stop`: search with held-out samples, then train again from the same first
 * weights on everything with the schedule that was found (paper, section 4.1). Steps are counted through both passes,
 * so that checkpoints of the second are newer than those of the first.
 */
import {
  afterScore,
  earlyStopFactor,
  earlyStopStart,
  isScoreDue,
  type EarlyStopRule,
  type EarlyStopState,
} from "./early-stop.ts";
import { learningRateFactor, type LearningRateSchedule } from "./schedule.ts";

export type ProtocolDeclaration =
  | {
      readonly kind: "fixed";
      readonly steps: number;
      readonly schedule: LearningRateSchedule;
    }
  | (EarlyStopRule & {
      readonly kind: "early-stop";
      readonly retrain: boolean;
    });

/** What one step trains. */
export type StepPlan = {
  /** Which samples: what is left after holding some out, or all. */
  readonly samples: "part" | "all";
  /** Step of this pass, from 0: counts epochs and draws random numbers. */
  readonly step: number;
  readonly rateFactor: number;
  /** Start a pass: put back the first weights, forget momentum. */
  readonly fresh: boolean;
};

export type Protocol = {
  readonly start: EarlyStopState;
  /** What step `step` of the run (from 0) trains; null: the run is finished. */
  planStep(step: number, state: EarlyStopState): StepPlan | null;
  /** Whether to score the held-out samples once `done` steps of the run are done. */
  isScoreDue(done: number, state: EarlyStopState): boolean;
  afterScore(
    state: EarlyStopState,
    scored: { readonly done: number; readonly score: number },
  ): EarlyStopState;
  /** Steps of the whole run: known, or the most that it can be. */
  mostSteps(state: EarlyStopState): number;
};

export function createProtocol(declared: ProtocolDeclaration): Protocol {
  return declared.kind === "fixed"
    ? fixedProtocol(declared)
    : earlyStopProtocol(declared);
}

function fixedProtocol({
  steps,
  schedule,
}: Extract<ProtocolDeclaration, { kind: "fixed" }>): Protocol {
  return {
    start: earlyStopStart,
    planStep: (step) =>
      step >= steps
        ? null
        : {
            samples: "all",
            step,
            rateFactor: learningRateFactor(schedule, step, steps),
            fresh: step === 0,
          },
    isScoreDue: () => false,
    afterScore: (state) => state,
    mostSteps: () => steps,
  };
}

function earlyStopProtocol(
  rule: Extract<ProtocolDeclaration, { kind: "early-stop" }>,
): Protocol {
  const planStep: Protocol["planStep"] = (step, state) => {
    const found = state.stoppedAt;
    const local = found === null || step < found ? step : step - found;
    if (found !== null && step >= found && (!rule.retrain || local >= found))
      return null;
    return {
      samples: found === null || step < found ? "part" : "all",
      step: local,
      rateFactor: earlyStopFactor(rule, state, local),
      fresh: local === 0,
    };
  };
  return {
    start: earlyStopStart,
    planStep,
    isScoreDue: (done, state) =>
      state.stoppedAt === null && isScoreDue(rule, done),
    afterScore: (state, scored) => afterScore(rule, state, scored),
    mostSteps: (state) =>
      (state.stoppedAt ?? rule.maxSteps) * (rule.retrain ? 2 : 1),
  };
}
