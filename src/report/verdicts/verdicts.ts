/**
 * From figures to verdicts. Pure arithmetic over criteria that were written before the run.
 *
 * V1 A claim holds if every criterion holds, fails if one fails, and is undecided otherwise.
 * V2 Data that is missing never helps: with an unpaired or unmeasured seed, a claim that would hold is undecided.
 *    One that already fails still fails.
 * V3 An interval criterion fails only if the whole interval is on the wrong side; an interval across the bound,
 *    or no interval (one value), leaves it undecided.
 * V4 A published cell is reproduced if our whole interval, widened by the published uncertainty, lies within the
 *    margin around the published value; better or worse if it lies wholly outside; undecided otherwise.
 */
import type { Bound } from "../../spec/params/params-report.ts";
import {
  formatNumber,
  formatRange,
  formatSigned,
  unitSuffix,
} from "../format.ts";
import type { PrintStyle } from "../format.ts";
import type {
  ClaimVerdict,
  Criterion,
  PublishedVerdict,
  Sample,
} from "../value.ts";

export type Pass = {
  readonly mean?: Bound | undefined;
  readonly every?: Bound | undefined;
  readonly ci95?: Bound | undefined;
};

/** How a claim's figures are said. */
export type ClaimStyle = PrintStyle & {
  readonly over: string;
  /** Differences carry their sign. */
  readonly paired: boolean;
};

const BOUNDS = {
  atLeast: { words: "at least", isKept: (x: number, b: number) => x >= b },
  above: { words: "above", isKept: (x: number, b: number) => x > b },
  atMost: { words: "at most", isKept: (x: number, b: number) => x <= b },
  below: { words: "below", isKept: (x: number, b: number) => x < b },
} as const;
const BOUND_NAMES = Object.keys(BOUNDS) as (keyof typeof BOUNDS)[];

function isWithin(value: number, bound: Bound): boolean {
  return BOUND_NAMES.every((name) => {
    const limit = bound[name];
    return limit === undefined || BOUNDS[name].isKept(value, limit);
  });
}

function isWhollyOutside(
  [low, high]: readonly [number, number],
  bound: Bound,
): boolean {
  return BOUND_NAMES.some((name) => {
    const limit = bound[name];
    if (limit === undefined) return false;
    const best = name === "atLeast" || name === "above" ? high : low;
    return !BOUNDS[name].isKept(best, limit);
  });
}

function toWords(subject: string, bound: Bound, style: PrintStyle): string {
  const limits = BOUND_NAMES.flatMap((name) => {
    const limit = bound[name];
    return limit === undefined
      ? []
      : [`${BOUNDS[name].words} ${formatNumber(limit, style.digits)}`];
  });
  return `${subject} ${limits.join(" and ")}${unitSuffix(style.unit)}`;
}

/** Each criterion of `pass` against what was measured; null: nothing was. */
export function judgeCriteria(
  sample: Sample | null,
  pass: Pass,
  style: ClaimStyle,
): Criterion[] {
  const say = style.paired ? formatSigned : formatNumber;
  const criteria: Criterion[] = [];
  const add = (
    of: Criterion["of"],
    bound: Bound | undefined,
    subject: string,
    judge: (
      sample: Sample,
      bound: Bound,
    ) => Pick<Criterion, "found" | "verdict">,
  ) => {
    if (bound === undefined) return;
    const words = toWords(subject, bound, style);
    const outcome = sample
      ? judge(sample, bound)
      : ({ found: "not measured", verdict: "undecided" } as const);
    criteria.push({ of, bound, words, ...outcome });
  };
  add("mean", pass.mean, "mean", ({ mean }, bound) => ({
    found: say(mean, style.digits),
    verdict: isWithin(mean, bound) ? "holds" : "fails",
  }));
  add("every", pass.every, `every ${style.over}`, ({ values }, bound) => ({
    found: formatRange(extremes(values), style.digits, style.paired),
    verdict: values.every(({ value }) => isWithin(value, bound))
      ? "holds"
      : "fails",
  }));
  add("ci95", pass.ci95, "95 % interval", ({ interval }, bound) => ({
    found: interval
      ? formatRange(interval, style.digits, style.paired)
      : "no interval: one value",
    verdict: judgeInterval(interval, bound),
  }));
  return criteria;
}

function extremes(values: Sample["values"]): [number, number] {
  const numbers = values.map(({ value }) => value);
  return [Math.min(...numbers), Math.max(...numbers)];
}

function judgeInterval(
  interval: readonly [number, number] | null,
  bound: Bound,
): ClaimVerdict {
  if (!interval) return "undecided";
  if (interval.every((end) => isWithin(end, bound))) return "holds";
  return isWhollyOutside(interval, bound) ? "fails" : "undecided";
}

/** V1 and V2. `missing` says in words which measurements are not there. */
export function judgeClaim(judged: {
  readonly sample: Sample | null;
  readonly criteria: readonly Criterion[];
  readonly missing: readonly string[];
  readonly style: ClaimStyle;
}): { verdict: ClaimVerdict; because: string } {
  const { sample, criteria, missing, style } = judged;
  const outcomes = criteria.map(
    ({ words, found, verdict }) => `${words}: ${found} (${SAY[verdict]})`,
  );
  const has = (wanted: ClaimVerdict) =>
    criteria.some(({ verdict }) => verdict === wanted);
  const isOpen = has("undecided") || missing.length > 0;
  return {
    verdict: has("fails") ? "fails" : isOpen ? "undecided" : "holds",
    because: [
      ...(sample ? [describeSample(sample, style)] : []),
      ...outcomes,
      ...missing,
    ].join("; "),
  };
}

/** `+7.8 points, 95 % interval +6.5 to +9.1, n = 3`. */
function describeSample(
  { mean, interval, n }: Sample,
  { digits, unit, paired }: ClaimStyle,
): string {
  const say = paired ? formatSigned : formatNumber;
  const range = interval
    ? [`95 % interval ${formatRange(interval, digits, paired)}`]
    : [];
  return [`${say(mean, digits)}${unitSuffix(unit)}`, ...range, `n = ${n}`].join(
    ", ",
  );
}

const SAY: Readonly<Record<ClaimVerdict, string>> = {
  holds: "met",
  fails: "not met",
  undecided: "undecided",
};

export type PublishedFigure = PrintStyle & {
  readonly value: number;
  readonly plusMinus: number | null;
  readonly margin: number;
  readonly higherIsBetter: boolean;
};

/** V4. */
export function judgePublished(
  ours: Sample | null,
  published: PublishedFigure,
): { verdict: PublishedVerdict; because: string } {
  if (!ours) return { verdict: "undecided", because: "not measured" };
  if (!ours.interval)
    return {
      verdict: "undecided",
      because: "one value has no interval: add seeds",
    };
  const own = (ours.interval[1] - ours.interval[0]) / 2;
  const half = Math.hypot(own, published.plusMinus ?? 0);
  const difference = ours.mean - published.value;
  const range = [difference - half, difference + half] as const;
  const words = `difference ${formatSigned(difference, published.digits)}, 95 % interval ${formatRange(range, published.digits, true)}, margin ±${formatNumber(published.margin, published.digits)}${unitSuffix(published.unit)}`;
  return { verdict: place(range, published), because: words };
}

function place(
  [low, high]: readonly [number, number],
  { margin, higherIsBetter }: PublishedFigure,
): PublishedVerdict {
  if (low >= -margin && high <= margin) return "reproduced";
  if (low > margin) return higherIsBetter ? "better" : "worse";
  if (high < -margin) return higherIsBetter ? "worse" : "better";
  return "undecided";
}
