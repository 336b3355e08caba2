/**
 * The table of docs/studies.md: one row per claim of the reports of mini studies, by the claim's number. Pure, so that
 * what the page says is what the runs wrote, and the same reports give the same table.
 */
import {
  formatNumber,
  formatRange,
  formatSigned,
  unitSuffix,
} from "../../src/report/format.ts";
import { sayVerdict } from "../../src/report/summary.ts";
import type { Claim, ReportValue } from "../../src/report/value.ts";

export type Study = { readonly name: string; readonly report: ReportValue };

const HEAD = [
  "claim",
  "study",
  "what is claimed",
  "figure",
  "95 % interval",
  "n",
  "verdict",
  "criterion",
];
const BEGIN = "<!-- verdicts: begin -->";
const END = "<!-- verdicts: end -->";

/** GitHub's Markdown. */
export function renderVerdicts(studies: readonly Study[]): string {
  const rows = studies
    .flatMap(({ name, report }) =>
      report.claims.map((claim) => ({ name, claim })),
    )
    .toSorted(
      (a, b) =>
        numberOf(a.claim) - numberOf(b.claim) || a.name.localeCompare(b.name),
    )
    .map(({ name, claim }) => rowOf(name, claim));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(HEAD), line(HEAD.map(() => "---")), ...rows.map(line)].join(
    "\n",
  );
}

/** The page with another table between its two marks. @throws Error where it has no such marks. */
export function replaceVerdicts(page: string, table: string): string {
  const [start, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (start < 0 || end < start)
    throw new Error(`expected '${BEGIN}' and '${END}' in the page`);
  return `${page.slice(0, start)}${BEGIN}\n\n${table}\n\n${page.slice(end)}`;
}

/** `C14, frozen` is 14; what has no number stands last. */
function numberOf({ name }: Claim): number {
  return Number(/^C(\d+)/.exec(name)?.[1] ?? Infinity);
}

function rowOf(study: string, claim: Claim): string[] {
  const { sample, digits, paired } = claim;
  const say = paired ? formatSigned : formatNumber;
  return [
    claim.name.replaceAll("|", "\\|"),
    `\`${study}\``,
    claim.text.replaceAll("|", "\\|"),
    sample ? `${say(sample.mean, digits)}${unitSuffix(claim.unit)}` : "–",
    sample?.interval ? formatRange(sample.interval, digits, paired) : "–",
    String(sample?.n ?? 0),
    `**${sayVerdict(claim)}**`,
    claim.criteria.map(({ words }) => words).join("; "),
  ];
}
