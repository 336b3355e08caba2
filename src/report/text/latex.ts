/** `report.tex`: the tables as a paper prints them, with booktabs. To be taken in by `\input{report.tex}`. */
import { formatNumber, toPlainText } from "../format.ts";
import { describeTable } from "../summary.ts";
import type { ReportTable, ReportValue, Sample } from "../value.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  "#": "\\#",
  $: "\\$",
  "%": "\\%",
  "&": "\\&",
  _: "\\_",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
};

/** The bytes of `report.tex`. */
export function renderLatex(value: ReportValue): string {
  const head = "% Needs \\usepackage{booktabs}.";
  return `${[head, ...value.tables.map(renderTable)].join("\n\n")}\n`;
}

function escape(text: string): string {
  return toPlainText(text)
    .replace(/[\\{}#$%&_^~]/g, (found) => ESCAPES[found] as string)
    .replace(/\s+/g, " ");
}

function renderTable(table: ReportTable): string {
  const line = (cells: readonly string[]) => `  ${cells.join(" & ")} \\\\`;
  const width = table.columns.length;
  const group =
    table.columnAxis === null
      ? []
      : [line(["", `\\multicolumn{${width}}{c}{${escape(table.columnAxis)}}`])];
  return [
    "\\begin{table}",
    "  \\centering",
    `  \\caption{${escape(table.title)} (${escape(describeTable(table)).replace("±", "$\\pm$")}).}`,
    `  \\begin{tabular}{l${"r".repeat(width)}}`,
    "  \\toprule",
    ...group,
    line([escape(table.rowAxis), ...table.columns.map(escape)]),
    "  \\midrule",
    ...table.rows.map((row, index) =>
      line([
        escape(row),
        ...(table.cells[index] ?? []).map((sample) =>
          renderCell(sample, table.digits),
        ),
      ]),
    ),
    "  \\bottomrule",
    "  \\end{tabular}",
    "\\end{table}",
  ].join("\n");
}

function renderCell(sample: Sample | null, digits: number): string {
  if (!sample) return "--";
  const number = (value: number) =>
    formatNumber(value, digits).replace("−", "-");
  const spread = sample.sd === null ? "" : ` \\pm ${number(sample.sd)}`;
  return `$${number(sample.mean)}${spread}$`;
}
