/** Axes: round ticks, and the way from values to pixels. Pure arithmetic. */

export type Scale = {
  readonly ticks: readonly number[];
  /** Digits that the ticks need behind the point. */
  readonly digits: number;
  /** Where a value lies, in pixels with one digit. */
  readonly at: (value: number) => number;
};

/** A linear scale that covers `values` with about `count` round ticks; ends at ticks. */
export function createScale(options: {
  readonly values: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly count: number;
}): Scale {
  const { from, to, count } = options;
  const [low, high] = extentOf(options.values);
  const step = niceStep((high - low) / count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toFixed(digits)),
  );
  const start = first * step;
  const span = (last - first) * step;
  const at = (value: number) =>
    round1(from + ((value - start) / span) * (to - from));
  return { ticks, digits, at };
}

/** Differences below this are none: their ticks would need more digits than a number can print. */
const SMALLEST = 1e-15;

/** Smallest and largest value; never empty, so that a scale has a length. */
export function extentOf(values: readonly number[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low > size * 1e-9 && high - low > SMALLEST) return [low, high];
  const half = size > SMALLEST ? size * 0.05 : 0.5;
  return [low - half, high + half];
}

/** 1, 2 or 5 times a power of ten, at least `rough`. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor =
    [1, 2, 5, 10].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  return factor * power;
}

export function round1(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Moves labels apart: positions at least `gap` from each other, in the given order of items, within [from, to]. */
export function spreadLabels(
  positions: readonly number[],
  gap: number,
  [from, to]: readonly [number, number],
): number[] {
  const order = positions
    .map((position, index) => ({ position, index }))
    .toSorted((a, b) => a.position - b.position);
  const placed: number[] = [];
  order.forEach(({ position }, rank) => {
    const above = placed[rank - 1];
    placed.push(
      above === undefined
        ? Math.max(from, position)
        : Math.max(position, above + gap),
    );
  });
  for (let rank = placed.length - 1, limit = to; rank >= 0; rank--) {
    placed[rank] = Math.min(placed[rank] as number, limit);
    limit = (placed[rank] as number) - gap;
  }
  const result = positions.map(() => 0);
  order.forEach(({ index }, rank) => {
    result[index] = round1(placed[rank] as number);
  });
  return result;
}
