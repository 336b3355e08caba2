/**
 * Average precision of a class from scores of images, in two published forms, side by side (paper, sections 4.2 and 8, A16):
 * step-wise (the area under the precision-recall steps, as scikit-learn since 0.19) and at eleven recalls (VOC 2007). Pure.
 *
 * A Images of which nobody can tell whether they show the class do not count.
 * B Ties are resolved against us: positives lose 1e-5 of their score before anything is sorted. What is still tied is one
 *   threshold.
 */
import { Mark } from "../../data/shards/label-marks.ts";

const TIE = 1e-5;

export type PrecisionRecall = {
  /** After each threshold, from the highest score down. */
  readonly precision: readonly number[];
  readonly recall: readonly number[];
  readonly positives: number;
};

export type AveragePrecision = {
  /** Null: no image shows the class. */
  readonly stepWise: number | null;
  readonly elevenPoint: number | null;
  readonly positives: number;
};

/** The curve of one class: a score and a mark for each image (A, B). */
export function precisionRecall(
  scores: ArrayLike<number>,
  marks: ArrayLike<number>,
): PrecisionRecall {
  const counted = Array.from({ length: marks.length }, (_, i) => i)
    .filter((i) => marks[i] !== Mark.unknown)
    .map((i) => {
      const isShown = marks[i] === Mark.shown;
      return { isShown, score: (scores[i] as number) - (isShown ? TIE : 0) };
    })
    .toSorted((a, b) => b.score - a.score);
  const positives = counted.filter(({ isShown }) => isShown).length;
  const precision: number[] = [];
  const recall: number[] = [];
  let hits = 0;
  for (const [i, { isShown, score }] of counted.entries()) {
    if (isShown) hits++;
    if (counted[i + 1]?.score === score) continue;
    precision.push(hits / (i + 1));
    recall.push(hits / positives);
  }
  return { precision, recall, positives };
}

/** Both averages of a curve. */
export function averagePrecision({
  precision,
  recall,
  positives,
}: PrecisionRecall): AveragePrecision {
  if (positives === 0) return { stepWise: null, elevenPoint: null, positives };
  let stepWise = 0;
  for (const [i, at] of recall.entries())
    stepWise += (at - (recall[i - 1] ?? 0)) * (precision[i] as number);
  const bestFrom = (least: number) =>
    precision.reduce(
      (best, value, i) =>
        (recall[i] as number) >= least ? Math.max(best, value) : best,
      0,
    );
  const recalls = Array.from({ length: 11 }, (_, k) => k / 10);
  const elevenPoint =
    recalls.reduce((sum, least) => sum + bestFrom(least), 0) / recalls.length;
  return { stepWise, elevenPoint, positives };
}

/** Means over the classes that images show; null: there is none. */
export function meanAveragePrecision(each: readonly AveragePrecision[]): {
  readonly stepWise: number;
  readonly elevenPoint: number;
  readonly classes: number;
} | null {
  const shown = each.filter(({ positives }) => positives > 0);
  if (shown.length === 0) return null;
  const meanOf = (of: (ap: AveragePrecision) => number | null) =>
    shown.reduce((sum, ap) => sum + (of(ap) as number), 0) / shown.length;
  return {
    stepWise: meanOf(({ stepWise }) => stepWise),
    elevenPoint: meanOf(({ elevenPoint }) => elevenPoint),
    classes: shown.length,
  };
}
