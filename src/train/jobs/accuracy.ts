/** What logits say: the class of each row, and how often it is right. Pure. */

/** Index of the largest logit of each row; the first of equals. */
export function predictedClasses(
  logits: ArrayLike<number>,
  classes: number,
): Int32Array {
  return Int32Array.from({ length: logits.length / classes }, (_, row) => {
    let best = 0;
    for (let k = 1; k < classes; k++)
      if (
        (logits[row * classes + k] as number) >
        (logits[row * classes + best] as number)
      )
        best = k;
    return best;
  });
}

/**
 * How many rows have the logit of their label among the `k` largest; of equal ones the first count as larger, so that with
 * `k` = 1 it counts what `predictedClasses` gets right.
 */
export function countWithin(
  logits: ArrayLike<number>,
  labels: Int32Array,
  k: number,
): number {
  const classes = logits.length / labels.length;
  let within = 0;
  for (const [row, label] of labels.entries()) {
    const at = (column: number) => logits[row * classes + column] as number;
    const own = at(label);
    let larger = 0;
    for (let column = 0; column < classes && larger < k; column++)
      if (at(column) > own || (at(column) === own && column < label))
        larger += 1;
    if (larger < k) within += 1;
  }
  return within;
}

/** The share of those rows. */
export function topAccuracy(
  logits: ArrayLike<number>,
  labels: Int32Array,
  k: number,
): number {
  return countWithin(logits, labels, k) / labels.length;
}

/** Mean softmax cross-entropy of rows with known labels, in nats. */
export function meanCrossEntropy(
  logits: ArrayLike<number>,
  labels: Int32Array,
  classes: number,
): number {
  let sum = 0;
  for (const [row, label] of labels.entries()) {
    const own = Array.from(
      { length: classes },
      (_, k) => logits[row * classes + k] as number,
    );
    const largest = Math.max(...own);
    const total = own.reduce((z, v) => z + Math.exp(v - largest), 0);
    sum += Math.log(total) + largest - (own[label] as number);
  }
  return sum / labels.length;
}
