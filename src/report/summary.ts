/** The report in one line, for a heading, a log or a terminal. */
import type { Claim } from "./value.ts";

const ONE = {
  holds: "The claim holds",
  fails: "The claim does not hold",
  undecided: "The claim is undecided",
} as const;

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
