/** Sentences that all renderings share: the report in one line, a table's caption. */
import { formatNumber, unitSuffix } from "./format.ts";
import type { Claim, ReportTable } from "./value.ts";

const ONE = {
  holds: "The claim holds",
  fails: "The claim does not hold",
  undecided: "The claim is undecided",
} as const;

const PUBLISHED = {
  holds: "reproduced",
  fails: "not reproduced",
  undecided: "undecided",
} as const;

/** The verdict in a word or two: a claim that was published elsewhere is reproduced or not, our own holds or fails. */
export function sayVerdict({ verdict, source }: Claim) {
  return source === null ? verdict : PUBLISHED[verdict];
}

/** `Both claims hold`, `2 of 3 claims hold, 1 is undecided`. */
export function summarizeClaims(claims: readonly Claim[]): string {
  const [first, second] = claims;
  if (!first) return "No claims";
  if (!second) return ONE[first.verdict];
  const count = (verdict: Claim["verdict"]) =>
    claims.filter((claim) => claim.verdict === verdict).length;
  const holding = count("holds");
  const open = count("undecided");
  if (holding === claims.length)
    return claims.length === 2
      ? "Both claims hold"
      : `All ${claims.length} claims hold`;
  const rest =
    open === 0 ? "" : `, ${open} ${open === 1 ? "is" : "are"} undecided`;
  return `${holding} of ${claims.length} claims ${holding === 1 ? "holds" : "hold"}${rest}`;
}

/** `all − none, where all is colorization, all (41.2) and none is colorization, none (39.0)`. */
export function explainFormula({ formula, arms, digits }: Claim): string {
  const parts = arms.map(({ name, label, sample }) => {
    const mean = sample ? formatNumber(sample.mean, digits) : "not measured";
    return `${name ?? label} is ${label} (${mean})`;
  });
  return `${formula ?? ""}, where ${parts.join(", ")}`;
}

/** How many values each measured cell has; null where that differs or nothing was measured. */
export function commonSize(table: ReportTable): number | null {
  const sizes = new Set(
    table.cells.flat().flatMap((sample) => (sample ? [sample.n] : [])),
  );
  return sizes.size === 1 ? ([...sizes][0] ?? null) : null;
}

/** `accuracy in %, mean ± standard deviation over seed, n = 3`. */
export function describeTable(table: ReportTable): string {
  const unit = unitSuffix(table.unit === "" ? "" : `in ${table.unit}`);
  const size = commonSize(table);
  if (size === 1) return `${table.metric}${unit}`;
  const common = size === null ? "" : `, n = ${size}`;
  return `${table.metric}${unit}, mean ± standard deviation over ${table.over}${common}`;
}
