/**
 * `report.csv` and `claims.csv`, for pandas, R and spreadsheets. RFC 4180 quoting, lines end in LF.
 *
 * `report.csv` has one row per measurement. Columns: `stage`, one per axis, `metric`, `value`, `key`. Values are as
 * measured, unscaled, with all digits; an axis that a cell lacks is empty.
 * `claims.csv` has one row per claim, in the printed unit with all digits; what was not measured is empty. `values` has
 * each seed's own, `5=7.8 6=8.3`.
 */
import { sayVerdict } from "../summary.ts";
import type { Claim, ReportValue } from "../value.ts";

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
  return toLines([header, ...rows]);
}

/** The bytes of `claims.csv`. */
export function renderClaimsCsv({ claims }: ReportValue): string {
  const rows = claims.map(rowOfClaim);
  const header =
    "claim,text,verdict,n,mean,low,high,sd,unit,values,because,source";
  return toLines([header.split(","), ...rows]);
}

function rowOfClaim(claim: Claim): string[] {
  const { sample } = claim;
  const figures = [
    sample?.mean,
    sample?.interval?.[0],
    sample?.interval?.[1],
    sample?.sd,
  ];
  const values = sample?.values.map(({ at, value }) => `${at}=${value}`) ?? [];
  return [
    claim.name,
    claim.text,
    sayVerdict(claim),
    String(sample?.n ?? 0),
    ...figures.map((figure) => String(figure ?? "")),
    claim.unit,
    values.join(" "),
    claim.because,
    claim.source ?? "",
  ];
}

function toLines(rows: readonly (readonly string[])[]): string {
  return rows.map((fields) => `${fields.map(quote).join(",")}\n`).join("");
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
