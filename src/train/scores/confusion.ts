/**
 * One confusion matrix over a whole set of pixels, and what it says: intersection over union of each class, their mean, and
 * the fraction of pixels that are right (paper, section 4.3). Pure.
 *
 * A Void pixels count nowhere.
 * B The mean is over classes that occur in the truth: a class that the set does not show has no score, and is left out by
 *   name. A class that is only ever predicted still costs the classes whose pixels it took.
 */
import { VOID_CLASS } from "../../data/crops/place-crop.ts";

export type ConfusionMatrix = {
  readonly classes: number;
  /** [classes, classes]: rows are true classes, columns predicted ones. */
  readonly counts: Float64Array;
};

export type SegmentationScores = {
  /** Of each class; null: it does not occur (B). */
  readonly iou: readonly (number | null)[];
  readonly miou: number;
  readonly pixelAccuracy: number;
  /** Pixels that count. */
  readonly pixels: number;
};

export function createConfusion(classes: number): ConfusionMatrix {
  return { classes, counts: new Float64Array(classes * classes) };
}

/** Counts pixels: true and predicted classes, place by place (A). */
export function countPixelsInPlace(
  { classes, counts }: ConfusionMatrix,
  truth: Uint8Array,
  predicted: ArrayLike<number>,
): void {
  for (let i = 0; i < truth.length; i++) {
    const label = truth[i] as number;
    if (label === VOID_CLASS) continue;
    if (label >= classes)
      throw new RangeError(`class ${label} is outside 0…${classes - 1}`);
    const at = label * classes + (predicted[i] as number);
    counts[at] = (counts[at] as number) + 1;
  }
}

/** B. @throws RangeError where nothing was counted. */
export function scoreSegmentation({
  classes,
  counts,
}: ConfusionMatrix): SegmentationScores {
  const each = Array.from({ length: classes }, (_, k) => k);
  const at = (truth: number, predicted: number) =>
    counts[truth * classes + predicted] as number;
  const right = each.map((k) => at(k, k));
  const truths = each.map((k) => sum(each.map((j) => at(k, j))));
  const predictions = each.map((k) => sum(each.map((j) => at(j, k))));
  const pixels = sum(truths);
  if (pixels === 0) throw new RangeError("no pixel was counted");
  const iou = each.map((k) => {
    const [hit, truth] = [right[k] as number, truths[k] as number];
    return truth === 0
      ? null
      : hit / (truth + (predictions[k] as number) - hit);
  });
  const occurring = iou.filter((value) => value !== null);
  return {
    iou,
    miou: sum(occurring) / occurring.length,
    pixelAccuracy: sum(right) / pixels,
    pixels,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
