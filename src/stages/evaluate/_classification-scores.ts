/** What a classifier did on a dataset, counted: accuracy, loss, a confusion matrix. Pure. */
import { toCsv } from "../_csv.ts";

export type ClassificationScores = {
  readonly accuracy: number;
  /** Accuracy of each class; null: the dataset has none of it. */
  readonly perClass: readonly (number | null)[];
  /** Rows: the true class; columns: the predicted one. */
  readonly confusion: readonly (readonly number[])[];
};

export function scoreClassification(
  labels: Int32Array,
  predicted: Int32Array,
  classes: number,
): ClassificationScores {
  const confusion = Array.from({ length: classes }, () =>
    Array.from({ length: classes }, () => 0),
  );
  for (const [i, label] of labels.entries()) {
    const row = confusion[label];
    const column = predicted[i] as number;
    if (row) row[column] = (row[column] ?? 0) + 1;
  }
  const right = confusion.map((row, label) => row[label] ?? 0);
  const counts = confusion.map((row) => sum(row));
  return {
    accuracy: sum(right) / labels.length,
    perClass: counts.map((count, label) =>
      count === 0 ? null : (right[label] as number) / count,
    ),
    confusion,
  };
}

/** `confusion.csv`: a row per true class, a column per predicted one. */
export function encodeConfusion(
  classes: readonly string[],
  { confusion }: ClassificationScores,
): Uint8Array {
  return toCsv([
    ["true", ...classes],
    ...confusion.map((row, label) => [classes[label] ?? "", ...row]),
  ]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
