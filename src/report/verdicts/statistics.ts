/**
 * Mean, spread and 95 % interval of a few values, and what values of the same seed give together.
 *
 * The interval is Student's t: mean ± t(0.975, n−1) · sd / √n, for values that are independent and roughly normal.
 * One value has a mean and nothing else: spread and interval are null, never zero.
 */

/** t(0.975, df) for 1…30 degrees of freedom. */
const T_975 = [
  12.7062047362, 4.30265272975, 3.18244630528, 2.7764451052, 2.57058183564,
  2.44691185114, 2.36462425159, 2.3060041352, 2.2621571628, 2.22813885199,
  2.20098516009, 2.17881282967, 2.16036865646, 2.14478668792, 2.13144954556,
  2.11990529922, 2.10981557783, 2.10092204024, 2.09302405441, 2.08596344727,
  2.07961384473, 2.0738730679, 2.06865761042, 2.06389856163, 2.05953855275,
  2.05552943864, 2.05183051648, 2.0484071418, 2.04522964213, 2.0422724563,
] as const;
const Z_975 = 1.959963984540054;

/** The 0.975 quantile of Student's t: a table up to 30 degrees of freedom, an expansion around the normal above (error below 1e-6). */
export function tQuantile975(degreesOfFreedom: number): number {
  if (!Number.isInteger(degreesOfFreedom) || degreesOfFreedom < 1)
    throw new RangeError(
      `t needs 1 or more degrees of freedom, got ${degreesOfFreedom}`,
    );
  const tabled = T_975[degreesOfFreedom - 1];
  if (tabled !== undefined) return tabled;
  // Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5.
  const z = Z_975;
  const v = degreesOfFreedom;
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  const g4 =
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) /
    92160;
  return z + g1 / v + g2 / v ** 2 + g3 / v ** 3 + g4 / v ** 4;
}

export type Summary = {
  readonly n: number;
  readonly mean: number;
  /** Standard deviation of the values (n−1); null if n is 1. */
  readonly sd: number | null;
  /** 95 % interval of the mean; null if n is 1. */
  readonly interval: readonly [number, number] | null;
};

/** Summary of at least one value. */
export function summarize(values: readonly number[]): Summary {
  const n = values.length;
  if (n === 0) throw new RangeError("summarize: no values");
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { n, mean, sd: null, interval: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const sd = Math.sqrt(squares / (n - 1));
  const half = (tQuantile975(n - 1) * sd) / Math.sqrt(n);
  return { n, mean, sd, interval: [mean - half, mean + half] };
}

/** A value and the place on the averaged axis (the seed) where it was measured. */
export type Placed = { readonly at: string; readonly value: number };

export type Combined = {
  /** A value at each place where every arm has one, in the order of the first arm. */
  readonly values: readonly Placed[];
  /** Places that some arms have and others lack. */
  readonly unpaired: readonly string[];
};

/** What `combine` makes of the values that several arms have at the same seed. */
export function combineByPlace(
  arms: readonly (readonly Placed[])[],
  combine: (values: readonly number[]) => number,
): Combined {
  const tables = arms.map(
    (arm) => new Map(arm.map(({ at, value }) => [at, value])),
  );
  const values: Placed[] = [];
  const unpaired: string[] = [];
  for (const at of new Set(arms.flat().map((placed) => placed.at))) {
    const found = tables.flatMap((table) => table.get(at) ?? []);
    if (found.length === tables.length)
      values.push({ at, value: combine(found) });
    else unpaired.push(at);
  }
  return { values, unpaired };
}
