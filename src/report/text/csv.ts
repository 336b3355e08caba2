/**
 * `report.csv`: one row per measurement, for pandas, R and spreadsheets. Columns: `stage`, one per axis, `metric`,
 * `value`, `key`. Values are as measured, unscaled, with all digits; an axis that a cell lacks is empty.
 * RFC 4180 quoting, lines end in LF.
 */
import type { ReportValue } from "../value.ts";

/** The bytes of `report.csv`. */
export function renderCsv(value: ReportValue): string {
  const axes = [
    ...new Set(value.measurements.flatMap(({ cell }) => Object.keys(cell))),
  ];
  const rows = value.measurements.flatMap(({ stage, cell, key, metrics }) => {
    const place = axes.map((axis) =>
      Object.hasOwn(cell, axis) ? String(cell[axis]) : "",
    );
    return Object.entries(metrics).map(([metric, figure]) => [
      stage,
      ...place,
      metric,
      String(figure),
      key,
    ]);
  });
  const header = ["stage", ...axes.map(columnName), "metric", "value", "key"];
  return [header, ...rows]
    .map((fields) => `${fields.map(quote).join(",")}\n`)
    .join("");
}

/** Columns of our own keep their names; an axis called like one gets a prefix. */
function columnName(axis: string): string {
  return ["stage", "metric", "value", "key"].includes(axis)
    ? `axis_${axis}`
    : axis;
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
