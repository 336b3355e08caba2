/**
 * Finds names in a report's parameters that nothing measured has: all of them at once, so that one more run of the
 * report mends the file. A metric that only some cells lack is not a mistake here; it is counted as left out.
 */
import { UserError } from "../base/errors.ts";
import type { ReportParams } from "../spec/params/params-report.ts";
import type { Located, Selector } from "./verdicts/select.ts";

type Known = {
  readonly rows: readonly Located[];
  readonly metrics: ReadonlySet<string>;
};

type Use = {
  readonly figure: string;
  readonly axes: readonly string[];
  readonly metric: string;
  readonly known: Known;
};

/** Throws `report.unknown-name` if a figure names an axis or a metric that no input has. */
export function checkParams(
  params: ReportParams,
  results: Known,
  curves: Known,
): void {
  const mistakes = usesOf(params, results, curves).flatMap(mistakesOf);
  if (mistakes.length === 0) return;
  throw new UserError({
    code: "report.unknown-name",
    message: `the report's parameters name what its inputs do not have:\n${mistakes.map((line) => `  ${line}`).join("\n")}`,
    hint: "correct the names under `with` of the report stage; everything else stays cached",
  });
}

function usesOf(params: ReportParams, results: Known, curves: Known): Use[] {
  const axesOf = (...selectors: Selector[]) => selectors.flatMap(Object.keys);
  return [
    ...params.tables.map((table) => ({
      figure: `table '${table.title}'`,
      axes: [
        ...[table.rows].flat(),
        ...(table.columns === undefined ? [] : [table.columns]),
        ...axesOf(table.where),
      ],
      metric: table.metric,
      known: results,
    })),
    ...params.claims.map((claim) => ({
      figure: `claim '${claim.name}'`,
      axes: axesOf(
        claim.where,
        claim.of ?? {},
        claim.minus ?? {},
        ...Object.values(claim.arms ?? {}),
      ),
      metric: claim.metric,
      known: results,
    })),
    ...params.paper.map((cell) => ({
      figure: `published cell '${cell.source}'`,
      axes: axesOf(cell.where),
      metric: cell.metric,
      known: results,
    })),
    ...params.curves.map((curve) => ({
      figure: `curves '${curve.title}'`,
      axes: [...[curve.lines].flat(), ...axesOf(curve.where)],
      metric: curve.metric,
      known: curves,
    })),
  ];
}

function mistakesOf({ figure, axes, metric, known }: Use): string[] {
  const present = new Set([
    "stage",
    ...known.rows.flatMap((row) => Object.keys(row.cell)),
  ]);
  const list = (names: ReadonlySet<string>) =>
    names.size === 0 ? "there is none" : `there are ${[...names].join(", ")}`;
  const unknownAxes = [...new Set(axes)]
    .filter((axis) => !present.has(axis))
    .map((axis) => `${figure}: no axis '${axis}'; ${list(present)}`);
  return known.metrics.has(metric)
    ? unknownAxes
    : [
        ...unknownAxes,
        `${figure}: no metric '${metric}'; ${list(known.metrics)}`,
      ];
}
