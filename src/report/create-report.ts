/**
 * Gathers what the report stage read into one `ReportValue`. Pure: the same inputs, the same value; no timing, run
 * or host comes in, because a report's bytes are an artifact like any other (invariant C).
 * What a figure asked for and did not get is counted in `leftOut` (invariant J).
 */
import type { ReportParams } from "../spec/params/params-report.ts";
import { checkParams } from "./check-params.ts";
import { createCurve } from "./curves.ts";
import type { TrainingLog } from "./curves.ts";
import { createClaim, createPublished } from "./verdicts/create-claim.ts";
import { createTable } from "./create-table.ts";
import type {
  ArtifactFact,
  Measurement,
  PictureSet,
  ReportValue,
} from "./value.ts";

export type LeftOut = ReportValue["leftOut"][number];

export type ReportInputs = {
  readonly params: ReportParams;
  /** Final figures of every cell of `results`, in the plan's order. */
  readonly results: readonly Measurement[];
  readonly curves: readonly TrainingLog[];
  readonly pictures: readonly PictureSet[];
  /** Everything that the results were made from. */
  readonly artifacts: readonly ArtifactFact[];
  /** What the inputs themselves left out, e.g. unreadable images. */
  readonly leftOut: readonly LeftOut[];
};

/** Throws `UserError` (`report.unknown-name`, `report.mixed`) if the parameters do not fit the inputs. */
export function createReport(inputs: ReportInputs): ReportValue {
  const { params, results, curves } = inputs;
  checkParams(
    params,
    { rows: results, metrics: metricNames(results) },
    { rows: curves, metrics: loggedNames(curves) },
  );
  const tables = params.tables.map((table) =>
    createTable(table, results, params.names),
  );
  const figures = params.curves.map((curve) => ({
    title: curve.title,
    curve: createCurve(curve, curves, params.names),
  }));
  return {
    version: 1,
    title: params.title,
    summary: params.summary ?? null,
    claims: params.claims.map((claim) =>
      createClaim(claim, results, params.names),
    ),
    published: params.paper.map((cell) =>
      createPublished(cell, results, params.names),
    ),
    tables: tables.map(({ table }) => table),
    curves: figures.flatMap(({ curve }) => curve ?? []),
    pictures: inputs.pictures.filter(({ items }) => items.length > 0),
    measurements: [...results],
    leftOut: [
      ...inputs.leftOut,
      ...tables.flatMap(({ leftOut }) => leftOut),
      ...figures.flatMap(({ title, curve }) =>
        curve
          ? []
          : {
              what: `curves '${title}': no selected stage logged it`,
              count: 1,
            },
      ),
    ],
    provenance: { artifacts: [...inputs.artifacts] },
  };
}

function metricNames(results: readonly Measurement[]): ReadonlySet<string> {
  return new Set(results.flatMap(({ metrics }) => Object.keys(metrics)));
}

function loggedNames(logs: readonly TrainingLog[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { rows } of logs) for (const { name } of rows) names.add(name);
  return names;
}
