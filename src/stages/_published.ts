/**
 * Weights of a pretraining on its way, as part of its result (paper, Fig. 2). They wait in checkpoints that stay until the task is done, so
 * that a training which is stopped and resumed publishes the same bytes (docs/design.md, invariant H).
 */
import { UserError } from "../base/errors.ts";
import type { Weights } from "../model/weights.ts";
import type { CheckpointStore } from "../store/checkpoints/checkpoints.ts";
import { fromCheckpoint } from "../train/checkpoint.ts";
import type { StageOutput } from "./stage.ts";
import { encodeWeights, publishedFile } from "./_model-files.ts";

/** Asks for the checkpoints of these steps of a run of `steps`. @throws UserError `pretrain.publish` */
export function planPublishing(
  checkpoints: CheckpointStore,
  publish: readonly number[],
  steps: number,
): void {
  const beyond = publish.find((step) => step >= steps);
  if (beyond !== undefined)
    throw new UserError({
      code: "pretrain.publish",
      message: `expected steps to publish before the last of ${steps}; found ${beyond}`,
      hint: "the last step's weights are the result itself",
    });
  if (publish.length > 0) checkpoints.keepToo(publish);
}

/** Writes the weights of each step. @throws UserError `pretrain.checkpoint-lost` */
export async function writePublished(
  output: StageOutput,
  given: {
    readonly checkpoints: CheckpointStore;
    readonly publish: readonly number[];
    /** From a checkpoint's weights to an encoder with statistics. */
    toEncoder(weights: Weights): Promise<Weights>;
  },
): Promise<void> {
  for (const step of given.publish) {
    const checkpoint = await given.checkpoints.ofStep(step);
    if (!checkpoint)
      throw new UserError({
        code: "pretrain.checkpoint-lost",
        message: `no checkpoint of step ${step} can be read, whose weights are to be published`,
        hint: "remove the task's checkpoints (ckpt/<key>/ in the store) and run again: it trains anew",
      });
    const encoder = await given.toEncoder(fromCheckpoint(checkpoint).weights);
    await output.write(publishedFile(step), encodeWeights(encoder));
  }
}
