/**
 * Pearson's correlation of pairs of numbers that come in parts, and what a set of them looks like. Pure.
 *
 * Parts are merged by their moments around their own means (Chan, Golub and LeVeque, 1983), in doubles: sums of squares of
 * all the numbers would cancel.
 */

/** Of some pairs (x, y): their number, means, and mean products around the means. */
export type PairMoments = {
  readonly count: number;
  readonly meanX: number;
  readonly meanY: number;
  readonly varianceX: number;
  readonly varianceY: number;
  readonly covariance: number;
};

export const noPairs: PairMoments = {
  count: 0,
  meanX: 0,
  meanY: 0,
  varianceX: 0,
  varianceY: 0,
  covariance: 0,
};

/** The moments of both parts together. */
export function mergePairs(a: PairMoments, b: PairMoments): PairMoments {
  const count = a.count + b.count;
  if (count === 0) return noPairs;
  const [shareA, shareB] = [a.count / count, b.count / count];
  const mix = (x: number, y: number) => shareA * x + shareB * y;
  const [dx, dy] = [b.meanX - a.meanX, b.meanY - a.meanY];
  const between = shareA * shareB;
  return {
    count,
    // By the difference: equal means stay exactly what they are.
    meanX: a.meanX + shareB * dx,
    meanY: a.meanY + shareB * dy,
    varianceX: mix(a.varianceX, b.varianceX) + between * dx * dx,
    varianceY: mix(a.varianceY, b.varianceY) + between * dy * dy,
    covariance: mix(a.covariance, b.covariance) + between * dx * dy,
  };
}

/** Null where one side never varies: there is nothing to correlate. */
export function correlationOf({
  varianceX,
  varianceY,
  covariance,
}: PairMoments): number | null {
  const scale = Math.sqrt(varianceX * varianceY);
  return scale > 0 ? Math.max(-1, Math.min(1, covariance / scale)) : null;
}

export type Quartiles = {
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
};

/** Linear between the sorted values, as NumPy has it; null: there are none. */
export function quartilesOf(values: readonly number[]): Quartiles | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const low = sorted[Math.floor(place)] as number;
    const high = sorted[Math.ceil(place)] as number;
    return low + (high - low) * (place - Math.floor(place));
  };
  return { lowerQuartile: at(0.25), median: at(0.5), upperQuartile: at(0.75) };
}
