/** One table of a report: rows × columns of samples, and what it lacks. */
import type { ReportParams } from "../spec/params/params-report.ts";
import {
  groupByLabel,
  isSelected,
  labelOfAxis,
  labelOfRow,
  valuesOver,
} from "./verdicts/select.ts";
import type { Names } from "./verdicts/select.ts";
import { summarize } from "./verdicts/statistics.ts";
import type { Placed } from "./verdicts/statistics.ts";
import type { Measurement, ReportTable, ReportValue, Sample } from "./value.ts";

type TableParams = ReportParams["tables"][number];

/** Values with their summary; null if there are none. */
export function createSample(values: readonly Placed[]): Sample | null {
  if (values.length === 0) return null;
  const { interval, ...summary } = summarize(values.map(({ value }) => value));
  return {
    ...summary,
    interval: interval && [...interval],
    values: [...values],
  };
}

/** Rows and columns stand in the order in which the plan has them. */
export function createTable(
  params: TableParams,
  results: readonly Measurement[],
  names: Names,
): { table: ReportTable; leftOut: ReportValue["leftOut"] } {
  const { title, metric, unit, digits, scale, over } = params;
  const rowAxes = [params.rows].flat();
  const columnAxes = params.columns === undefined ? [] : [params.columns];
  const selected = results.filter((row) => isSelected(row, params.where));
  const rowLabel = (row: Measurement) => labelOfRow(names, row, rowAxes);
  const columnLabel = (row: Measurement) => labelOfRow(names, row, columnAxes);
  const columns = [...groupByLabel(selected, columnLabel).keys()];
  const rows = groupByLabel(selected, rowLabel);
  const cells = [...rows].map(([label, members]) =>
    columns.map((column) =>
      createSample(
        valuesOver({
          rows: members.filter((row) => columnLabel(row) === column),
          metric,
          scale,
          over,
          figure: `table '${title}', row '${label}'`,
        }),
      ),
    ),
  );
  const table: ReportTable = {
    title,
    metric,
    unit,
    digits,
    over: labelOfAxis(names, over),
    rowAxis: rowAxes.map((axis) => labelOfAxis(names, axis)).join(", "),
    columnAxis: params.columns ? labelOfAxis(names, params.columns) : null,
    rows: [...rows.keys()],
    columns: params.columns ? columns : [labelOfAxis(names, metric)],
    cells,
  };
  return { table, leftOut: missingFrom(table) };
}

/** Cells without a value, and cells with fewer values than the fullest one. */
function missingFrom(table: ReportTable): ReportValue["leftOut"] {
  const sizes = table.cells.flat().map((cell) => cell?.n ?? 0);
  const full = Math.max(0, ...sizes);
  const empty = sizes.filter((size) => size === 0).length;
  const short = sizes.filter((size) => size > 0 && size < full).length;
  const where = `table '${table.title}'`;
  return [
    ...(sizes.length === 0
      ? [{ what: `${where}: nothing that it selects was measured`, count: 1 }]
      : []),
    ...(empty > 0
      ? [{ what: `${where}: cells that were not measured`, count: empty }]
      : []),
    ...(short > 0
      ? [
          {
            what: `${where}: cells with fewer than ${full} values`,
            count: short,
          },
        ]
      : []),
  ];
}
