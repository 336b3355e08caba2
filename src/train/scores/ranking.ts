/** Scores of images for each class, and how well they rank the images that show it. */
import {
  averagePrecision,
  meanAveragePrecision,
  precisionRecall,
  type AveragePrecision,
  type PrecisionRecall,
} from "./average-precision.ts";

export type Ranking = {
  /** Scores and marks of one image, class by class. */
  add(scores: ArrayLike<number>, marks: ArrayLike<number>): void;
  curve(label: number): PrecisionRecall;
  /** By class. */
  each(): readonly AveragePrecision[];
  mean(): ReturnType<typeof meanAveragePrecision>;
};

export function createRanking(classes: number): Ranking {
  const columns = Array.from({ length: classes }, () => ({
    scores: [] as number[],
    marks: [] as number[],
  }));
  const curve = (label: number): PrecisionRecall => {
    const { scores, marks } = columns[label] as (typeof columns)[number];
    return precisionRecall(scores, marks);
  };
  const each = () => columns.map((_, label) => averagePrecision(curve(label)));
  return {
    add(scores, marks) {
      for (const [label, column] of columns.entries()) {
        column.scores.push(scores[label] as number);
        column.marks.push(marks[label] as number);
      }
    },
    curve,
    each,
    mean: () => meanAveragePrecision(each()),
  };
}
