/**
 * Numbers that are not finite end a run where they appear: what they would decide, a checkpoint or an artifact, is worth
 * nothing. Losses are looked at after each step, weights before they are kept: the last update may break what the last loss
 * did not show.
 */
import { UserError } from "../base/errors.ts";
import type { Weights } from "../model/weights.ts";

/** @throws UserError `train.not-finite` naming the loss and the step that made `done` steps done. */
export function checkFiniteLosses(
  losses: Readonly<Record<string, number>>,
  done: number,
): void {
  for (const [name, value] of Object.entries(losses))
    if (!Number.isFinite(value))
      throw notFinite(
        `expected a finite ${name}; found ${value} at step ${done} (all steps before it were finite)`,
      );
}

/** @throws UserError `train.not-finite` naming the weight and the steps between which it broke. */
export function checkFiniteWeights(weights: Weights, done: number): void {
  for (const [name, { values }] of weights)
    if (!values.every(Number.isFinite))
      throw notFiniteWeight(
        name,
        values.find((value) => !Number.isFinite(value)) ?? Number.NaN,
        done,
      );
}

/** For who found such a weight by himself. */
export function notFiniteWeight(
  name: string,
  value: number,
  done: number,
): UserError {
  return notFinite(
    `expected finite weights; found ${value} in '${name}' after step ${done}, whose loss was finite`,
  );
}

function notFinite(message: string): UserError {
  return new UserError({
    code: "train.not-finite",
    message,
    hint: "lower the learning rate, or bound the gradients with optimizer.clipNorm",
  });
}
