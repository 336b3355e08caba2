/** Targets of images that may show several classes: 1 or 0 for each class, and a weight of 0 where nobody can tell. */
import type { Images } from "../images/image-set.ts";
import type { LabelMarks } from "../label-marks.ts";
import { Mark } from "../shards/label-marks.ts";

export type MarkBatch = {
  /** [B, K] */
  readonly targets: Float32Array;
  /** [B, K] */
  readonly weights: Float32Array;
};

/** The batch of some images; buffers are reused, and a batch is valid until the second call after it. */
export function createMarkBatches(options: {
  /** Images a batch, B; where fewer come, the rest has no weight. */
  readonly batch: number;
  readonly classes: number;
  readonly marks: LabelMarks;
}): (images: Pick<Images, "size" | "samples">) => MarkBatch {
  const { batch, classes, marks } = options;
  const allocate = (): MarkBatch => ({
    targets: new Float32Array(batch * classes),
    weights: new Float32Array(batch * classes),
  });
  const buffers = [allocate(), allocate()] as const;
  let turn = 0;
  return ({ size, samples }) => {
    turn = 1 - turn;
    const { targets, weights } = buffers[turn] as MarkBatch;
    targets.fill(0);
    weights.fill(0);
    for (let i = 0; i < size; i++)
      for (const [k, mark] of marks.of(samples[i] as number).entries()) {
        targets[i * classes + k] = mark === Mark.shown ? 1 : 0;
        weights[i * classes + k] = mark === Mark.unknown ? 0 : 1;
      }
    return { targets, weights };
  };
}
