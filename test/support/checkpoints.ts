/** Small checkpoints for tests: one weight and one slot of two numbers, which tell the step. */
import type {
  CheckpointShapes,
  CheckpointStore,
  CheckpointToSave,
} from "../../src/store/checkpoints/checkpoints.ts";
import type { Checkpoint } from "../../src/store/checkpoints/read-checkpoint.ts";
import type { WriteOutcome } from "../../src/store/checkpoints/write-checkpoint.ts";

export const smallShapes: CheckpointShapes = {
  model: new Map([["conv1/weight", [2]]]),
  optimizer: new Map([["conv1/weight/momentum", [2, 1]]]),
};

export function checkpointAt(
  step: number,
  change: Partial<CheckpointToSave> = {},
): CheckpointToSave {
  return {
    step,
    async copyInto(targets) {
      for (const target of targets.values()) target.set(bytesAt(step));
    },
    state: { step, best: null, rows: [1, 2] },
    metrics: {},
    ...change,
  };
}

/** What `newest` gives for `checkpointAt`. */
export function readAt(step: number, epoch: number): Checkpoint {
  const bytes = bytesAt(step);
  return {
    step,
    epoch,
    model: new Map([["conv1/weight", { dtype: "F32", shape: [2], bytes }]]),
    optimizer: new Map([
      ["conv1/weight/momentum", { dtype: "F32", shape: [2, 1], bytes }],
    ]),
    state: { step, best: null, rows: [1, 2] },
  };
}

function bytesAt(step: number): Uint8Array {
  return new Uint8Array(Float32Array.of(step, step / 2).buffer);
}

/** Saves, and waits until it is written. */
export async function save(
  checkpoints: CheckpointStore,
  checkpoint: CheckpointToSave,
): Promise<WriteOutcome> {
  checkpoints.prepare(smallShapes);
  return (await checkpoints.save(checkpoint)).written;
}
