/**
 * `report.md`: verdicts, tables and what was left out, for a pull request or a terminal. GitHub's dialect.
 * Pictures and curves are in the HTML; their figures are in `report.json`.
 */
import {
  formatNumber,
  formatRange,
  formatSigned,
  toPlainText,
} from "../format.ts";
import {
  describeTable,
  explainFormula,
  sayVerdict,
  summarizeClaims,
} from "../summary.ts";
import type {
  Claim,
  Published,
  ReportTable,
  ReportValue,
  Sample,
} from "../value.ts";

/** The bytes of `report.md`. */
export function renderMarkdown(value: ReportValue): string {
  const blocks = [
    `# ${escape(value.title)}`,
    ...(value.summary === null ? [] : [escape(value.summary)]),
    ...renderClaims(value.claims),
    ...renderPublished(value.published),
    ...value.tables.flatMap(renderTable),
    ...renderCurves(value),
    ...renderLeftOut(value),
    ...renderProvenance(value),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** Text that Markdown and the HTML inside it leave alone. */
function escape(text: string): string {
  return toPlainText(text)
    .replace(/[\\`*_{}[\]<>#|~$&!]/g, (found) => `\\${found}`)
    .replace(/\s+/g, " ");
}

function grid(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...body.map(line)].join("\n");
}

function renderClaims(claims: readonly Claim[]): string[] {
  if (claims.length === 0) return [];
  const lines = claims.map((claim) =>
    [
      `- **${sayVerdict(claim)}**: ${escape(claim.text)} (${escape(claim.name)})`,
      ...(claim.formula === null ? [] : [escape(explainFormula(claim))]),
      escape(claim.because),
    ].join("  \n  "),
  );
  return [`## ${summarizeClaims(claims)}`, lines.join("\n")];
}

function renderPublished(cells: readonly Published[]): string[] {
  if (cells.length === 0) return [];
  const rows = cells.map((cell) => [
    `${escape(cell.label)} (${escape(cell.source)})`,
    withSpread(cell.value, cell.plusMinus, cell.digits),
    cell.ours ? formatNumber(cell.ours.mean, cell.digits) : "–",
    cell.ours?.interval ? formatRange(cell.ours.interval, cell.digits) : "–",
    String(cell.ours?.n ?? 0),
    cell.ours ? formatSigned(cell.ours.mean - cell.value, cell.digits) : "–",
    cell.verdict,
  ]);
  const head = [
    "cell",
    "published",
    "ours",
    "95 % interval",
    "n",
    "difference",
    "verdict",
  ];
  return ["## Against published figures", grid([head, ...rows])];
}

function withSpread(value: number, spread: number | null, digits: number) {
  const text = formatNumber(value, digits);
  return spread === null ? text : `${text} ± ${formatNumber(spread, digits)}`;
}

function cellText(sample: Sample | null, digits: number): string {
  return sample
    ? `${withSpread(sample.mean, sample.sd, digits)} (n=${sample.n})`
    : "not measured";
}

function renderTable(table: ReportTable): string[] {
  const corner =
    table.columnAxis === null
      ? table.rowAxis
      : `${table.rowAxis} \\ ${table.columnAxis}`;
  const rows = table.rows.map((row, index) => [
    escape(row),
    ...(table.cells[index] ?? []).map((sample) =>
      cellText(sample, table.digits),
    ),
  ]);
  return [
    `## ${escape(table.title)}`,
    escape(describeTable(table)),
    grid([[escape(corner), ...table.columns.map(escape)], ...rows]),
  ];
}

function renderCurves({ curves }: ReportValue): string[] {
  const rows = curves.flatMap(({ title, metric, digits, lines }) =>
    lines.flatMap(({ label, mean }) => {
      const [first, last] = [mean[0], mean.at(-1)];
      if (!first || !last) return [];
      return [
        [
          escape(`${title}: ${label}`),
          escape(metric),
          `${formatNumber(first[1], digits)} (step ${first[0]})`,
          `${formatNumber(last[1], digits)} (step ${last[0]})`,
        ],
      ];
    }),
  );
  return rows.length === 0
    ? []
    : [
        "## Learning curves",
        grid([["curve", "metric", "first", "last"], ...rows]),
      ];
}

function renderLeftOut({ leftOut }: ReportValue): string[] {
  const lines = leftOut.map(({ what, count }) => `- ${escape(what)}: ${count}`);
  return ["## Left out", lines.length > 0 ? lines.join("\n") : "Nothing."];
}

function renderProvenance({ provenance }: ReportValue): string[] {
  const list = (values: readonly (string | number | null)[]) =>
    [...new Set(values)].filter((value) => value !== null).join(", ") || "none";
  const { artifacts } = provenance;
  return [
    "## Provenance",
    [
      `- artifacts: ${artifacts.length} (keys in report.json)`,
      `- hueline: ${escape(list(artifacts.map(({ hueline }) => hueline)))}`,
      `- TensorFlow: ${escape(list(artifacts.map(({ tensorflow }) => tensorflow)))}`,
      `- seeds: ${list(artifacts.map(({ seed }) => seed))}`,
      `- contracts: ${escape(list(artifacts.map(({ kind, contract }) => `${kind} ${contract}`)))}`,
    ].join("\n"),
  ];
}
