/**
 * Learning rate over a run, as a factor of the highest rate. Pure: step → factor, so that a resumed run needs no state.
 */

/** Fractions are of the run's length. */
export type LearningRateSchedule =
  | { readonly kind: "cosine"; readonly warmup: number }
  | {
      readonly kind: "steps";
      readonly at: readonly number[];
      readonly factor: number;
      readonly warmup: number;
    }
  | { readonly kind: "constant" };

/** Linear warm-up that reaches 1 at its end; step 0 already moves. */
function warmUp(fraction: number, step: number, steps: number): number {
  return fraction === 0 ? 1 : Math.min(1, (step + 1) / (fraction * steps));
}

/** The factor for step `step` of `steps`, counted from 0. */
export function learningRateFactor(
  schedule: LearningRateSchedule,
  step: number,
  steps: number,
): number {
  switch (schedule.kind) {
    case "cosine":
      return (
        warmUp(schedule.warmup, step, steps) *
        0.5 *
        (1 + Math.cos((Math.PI * step) / steps))
      );
    case "steps": {
      const drops = schedule.at.filter((at) => step >= at * steps).length;
      return warmUp(schedule.warmup, step, steps) * schedule.factor ** drops;
    }
    case "constant":
      return 1;
    default:
      return schedule satisfies never;
  }
}
