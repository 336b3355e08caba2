/**
 * Learning curves: means over spans of steps, as rows of `metrics.jsonl` (docs/formats.md).
 *
 * A The rows depend on the steps alone, never on time or on where a run was resumed: what is summed but not yet a row
 *   is part of the state that checkpoints carry (docs/design.md, invariant H).
 * B The first step has a row of its own: the value before anything was learned.
 * C A span ends with its pass: no step is left out, and no mean mixes two passes.
 */

export type MetricsRow = {
  /** Steps done. */
  readonly step: number;
  readonly name: string;
  readonly value: number;
};

/** JSON; numbers survive it exactly. */
export type MetricsState = {
  readonly rows: readonly MetricsRow[];
  readonly sums: Readonly<Record<string, number>>;
  readonly count: number;
};

export const metricsStart: MetricsState = { rows: [], sums: {}, count: 0 };

/** About fifty rows a curve, and never fewer than one step each. */
export function rowEverySteps(steps: number): number {
  return Math.max(1, Math.ceil(steps / 50));
}

/** Adds the values of the step that makes `done` steps done; every `every` steps their means become rows. */
export function recordStep(
  state: MetricsState,
  done: number,
  values: Readonly<Record<string, number>>,
  every: number,
): MetricsState {
  const sums = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      (state.sums[name] ?? 0) + value,
    ]),
  );
  const count = state.count + 1;
  const summed = { ...state, sums, count };
  return done === 1 || done % every === 0 ? closeSpan(summed, done) : summed;
}

/** Ends a span before its time: where a pass ends, what is summed becomes rows too. */
export function closeSpan(
  { rows, sums, count }: MetricsState,
  done: number,
): MetricsState {
  const means = Object.entries(sums).map(([name, sum]) => ({
    step: done,
    name,
    value: sum / count,
  }));
  return { rows: [...rows, ...means], sums: {}, count: 0 };
}

/** A row that stands alone, such as a score. */
export function recordRow(state: MetricsState, row: MetricsRow): MetricsState {
  return { ...state, rows: [...state.rows, row] };
}

/** The newest value of each curve, by name. */
export function newestValues({ rows }: MetricsState): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** The bytes of `metrics.jsonl`: one JSON object a line, in the order of recording. */
export function encodeMetrics(rows: readonly MetricsRow[]): Uint8Array {
  return new TextEncoder().encode(
    rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
  );
}
