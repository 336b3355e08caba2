/**
 * What a checkpoint holds for a training run (docs/design.md, invariant H): variables, momentum, and the loop's own state.
 */
import type { Checkpoint } from "../store/checkpoints/read-checkpoint.ts";
import type { OrderState } from "../data/order/order-state.ts";
import type { EarlyStopState } from "./protocol/early-stop.ts";
import type { MetricsState } from "./metrics.ts";
import { fromTensorData } from "./variables.ts";
import type { Weights } from "../model/weights.ts";

/** JSON, written with every checkpoint. Everything else about a step follows from its number. */
export type LoopState = {
  readonly protocol: EarlyStopState;
  readonly metrics: MetricsState;
  /** What decides which images the next step sees; null or absent: nothing but its number. */
  readonly images?: OrderState | null;
};

/** The state is what a saver wrote for the same key: the store has verified its bytes. */
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
