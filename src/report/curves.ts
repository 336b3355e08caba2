/**
 * Learning curves from the rows that training stages log: one line per group of cells, its mean and each run.
 * Long logs are thinned by averaging blocks of logged steps, the same blocks for every run of a figure, so that
 * a mean never compares different steps. Nothing is smoothed beyond that.
 */
import type { Cell } from "../plan/plan.ts";
import type { ReportParams } from "../spec/params/params-report.ts";
import {
  axisValue,
  groupByLabel,
  isSelected,
  labelOfRow,
  requireOneAxis,
} from "./verdicts/select.ts";
import type { Names } from "./verdicts/select.ts";
import type { Curve } from "./value.ts";

/** One row of `metrics.jsonl`. */
export type LoggedMetric = {
  readonly step: number;
  readonly name: string;
  readonly value: number;
};

/** What one training stage logged. */
export type TrainingLog = {
  readonly stage: string;
  readonly cell: Cell;
  readonly rows: readonly LoggedMetric[];
};

type Run = { readonly at: string; readonly points: [number, number][] };

/** Enough to see every bend at the size a figure has on a screen. */
const MAX_POINTS = 120;

/** One figure; null if no selected stage logged the metric. */
export function createCurve(
  options: ReportParams["curves"][number],
  logs: readonly TrainingLog[],
  names: Names,
): Curve | null {
  const { title, metric, unit, digits, scale, over } = options;
  const axes = [options.lines].flat();
  const selected = logs.filter(
    (log) =>
      isSelected(log, options.where) &&
      log.rows.some((row) => row.name === metric),
  );
  if (selected.length === 0) return null;
  const logged = selected.map((log) => metricOf(log, metric, scale));
  const thinning = Math.ceil(
    new Set(logged.flatMap((points) => points.map(([step]) => step))).size /
      MAX_POINTS,
  );
  const blockOf = createBlocks(logged, thinning);
  const pointsOf = new Map(
    selected.map((log, index) => [log, thin(logged[index] ?? [], blockOf)]),
  );
  const groups = groupByLabel(selected, (log) => labelOfRow(names, log, axes));
  const lines = [...groups].map(([label, members]) => {
    requireOneAxis(members, over, `curves '${title}', line '${label}'`);
    const runs = members.map((log) => ({
      at: axisValue(log, over) ?? "",
      points: pointsOf.get(log) ?? [],
    }));
    return { label, mean: meanOf(runs), runs };
  });
  return { title, metric, unit, digits, over, thinning, lines };
}

function metricOf(
  log: TrainingLog,
  metric: string,
  scale: number,
): [number, number][] {
  return log.rows
    .filter((row) => row.name === metric)
    .map(({ step, value }): [number, number] => [step, value * scale])
    .toSorted(([a], [b]) => a - b);
}

/** Step → the last logged step of its block. */
function createBlocks(
  logged: readonly (readonly [number, number][])[],
  size: number,
): ReadonlyMap<number, number> {
  const steps = [...new Set(logged.flat().map(([step]) => step))].toSorted(
    (a, b) => a - b,
  );
  const blocks = new Map<number, number>();
  for (let start = 0; start < steps.length; start += size) {
    const block = steps.slice(start, start + size);
    for (const step of block) blocks.set(step, block.at(-1) ?? step);
  }
  return blocks;
}

function thin(
  points: readonly [number, number][],
  blockOf: ReadonlyMap<number, number>,
): [number, number][] {
  const blocks = Map.groupBy(points, ([step]) => blockOf.get(step) ?? step);
  return [...blocks].map(([step, members]) => [
    step,
    members.reduce((sum, [, value]) => sum + value, 0) / members.length,
  ]);
}

/** Mean where every run has a point: a run that stopped early must not bend the line by leaving it. */
function meanOf(runs: readonly Run[]): [number, number][] {
  const bySteps = Map.groupBy(
    runs.flatMap(({ points }) => points),
    ([step]) => step,
  );
  return [...bySteps]
    .filter(([, points]) => points.length === runs.length)
    .map(([step, points]): [number, number] => [
      step,
      points.reduce((sum, [, value]) => sum + value, 0) / points.length,
    ])
    .toSorted(([a], [b]) => a - b);
}
