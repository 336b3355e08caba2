/**
 * A training run as a checkpoint, and back (docs/design.md, invariant H): variables, momentum, and the loop's own state.
 */
import type { Checkpoint, TensorData } from "../store/artifacts/checkpoints.ts";
import type { EarlyStopState } from "./protocol/early-stop.ts";
import type { MetricsState } from "./metrics.ts";
import { isSlot } from "./trainer.ts";
import { fromTensorData, toTensorData } from "./variables.ts";
import type { Weights } from "../model/weights.ts";

/** JSON, written with every checkpoint. Everything else about a step follows from its number. */
export type LoopState = {
  readonly protocol: EarlyStopState;
  readonly metrics: MetricsState;
};

export function toCheckpoint(
  step: number,
  weights: Weights,
  state: LoopState,
): Checkpoint {
  const all = [...toTensorData(weights)];
  const part = (keep: (name: string) => boolean): Map<string, TensorData> =>
    new Map(all.filter(([name]) => keep(name)));
  return {
    step,
    model: part((name) => !isSlot(name)),
    optimizer: part(isSlot),
    state,
  };
}

/** The state is what `toCheckpoint` wrote for the same key: the store has verified its bytes. */
export function fromCheckpoint(checkpoint: Checkpoint): {
  readonly step: number;
  readonly weights: Weights;
  readonly state: LoopState;
} {
  return {
    step: checkpoint.step,
    weights: fromTensorData(
      new Map([...checkpoint.model, ...checkpoint.optimizer]),
    ),
    state: checkpoint.state as LoopState,
  };
}
