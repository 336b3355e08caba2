/**
 * The cells of every stage: its variants, combined with the cells of its upstreams and with its seeds.
 *
 * Invariants
 * - Axes of one name are one axis: cells combine only if they agree on every axis that both have (a natural join),
 *   so an axis is never crossed with itself, however many ways lead to it.
 * - Cells of one stage may differ in their axes: a list of stages brings each stage's own.
 * - Nothing is expanded before its size is known and within `MAX_TASKS`.
 */
import { isSelected, MAX_TASKS } from "./matrix.ts";
import type {
  Cell,
  CellValue,
  InputSource,
  JsonObject,
  StageSpec,
} from "./pipeline-spec.ts";
import { declarationOf } from "./stage-kinds.ts";

export type StageCell = {
  readonly stage: StageSpec;
  readonly cell: Cell;
  readonly params: JsonObject;
  readonly seed: number | null;
  /** Input name → upstream cells; exactly one for inputs of arity `one`. */
  readonly inputs: Readonly<Record<string, readonly StageCell[]>>;
};

export type CellProblem =
  /** `where` of a source leaves nothing. */
  | {
      readonly kind: "where-empty";
      readonly input: string;
      readonly source: number;
    }
  /** The upstream cells have the axis that the list of this input would make. */
  | {
      readonly kind: "axis-taken";
      readonly input: string;
      readonly source: number;
    }
  /** No cell of `part` (an input, `matrix` or `seeds`) agrees with what stands before it. */
  | {
      readonly kind: "no-match";
      readonly part: string;
      readonly axes: readonly string[];
    }
  | { readonly kind: "all-excluded" }
  | {
      readonly kind: "too-large";
      readonly part: string;
      readonly factors: readonly number[];
      readonly total: number;
    };

export type StageCells =
  | { readonly ok: true; readonly cells: readonly StageCell[] }
  | { readonly ok: false; readonly problem: CellProblem };

/** The cells of one stage, from those of its upstreams. */
export function expandStage(
  stage: StageSpec,
  upstream: ReadonlyMap<string, readonly StageCell[]>,
): StageCells {
  const declared = declarationOf(stage.kind).inputs;
  let rows: readonly Row[] = [{ cell: {}, inputs: {} }];
  const gathered: Record<string, readonly StageCell[]> = {};
  for (const [input, { sources, isAxis }] of Object.entries(stage.inputs)) {
    const candidates: Candidate[] = [];
    for (const [index, source] of sources.entries()) {
      const cells = selectCells(source, upstream);
      if (cells.length === 0)
        return failed({ kind: "where-empty", input, source: index });
      if (isAxis && cells.some(({ cell }) => input in cell))
        return failed({ kind: "axis-taken", input, source: index });
      for (const from of cells)
        candidates.push({
          cell: isAxis ? { [input]: source.stage, ...from.cell } : from.cell,
          from,
        });
    }
    if (declared[input]?.arity === "all") {
      gathered[input] = candidates.map(({ from }) => from);
      continue;
    }
    const joined = join(rows, candidates, input, (row, { cell, from }) => ({
      cell: { ...row.cell, ...cell },
      inputs: { ...row.inputs, [input]: [from] },
    }));
    if (!joined.ok) return failed(joined.problem);
    rows = joined.rows;
  }
  return addVariants(stage, rows, gathered);
}

/** Own axes after inherited ones, the seed last: names and tables read from the general to the particular. */
function mergeCells(inherited: Cell, own: Cell): Cell {
  if (inherited["seed"] === undefined) return { ...inherited, ...own };
  const { seed, ...rest } = inherited;
  return { ...rest, ...own, seed };
}

type Row = {
  readonly cell: Cell;
  readonly inputs: Readonly<Record<string, readonly StageCell[]>>;
};
type Candidate = { readonly cell: Cell; readonly from: StageCell };

function addVariants(
  stage: StageSpec,
  rows: readonly Row[],
  gathered: Row["inputs"],
): StageCells {
  const hasGathered = Object.keys(gathered).length > 0;
  const crossed = join(rows, stage.variants, "matrix", (row, variant) => ({
    cell: mergeCells(row.cell, variant.cell),
    inputs: hasGathered ? { ...row.inputs, ...gathered } : row.inputs,
    params: variant.params,
  }));
  if (!crossed.ok) return failed(crossed.problem);
  const seeds = (stage.seeds ?? []).map((seed) => ({ cell: { seed }, seed }));
  const seeded =
    stage.seeds === null
      ? {
          ok: true as const,
          rows: crossed.rows.map((row) => ({ ...row, seed: stage.seed })),
        }
      : join(crossed.rows, seeds, "seeds", (row, { cell, seed }) => ({
          ...row,
          cell: { ...row.cell, ...cell },
          seed,
        }));
  if (!seeded.ok) return failed(seeded.problem);
  const kept =
    stage.exclude.length === 0
      ? seeded.rows
      : seeded.rows.filter(
          ({ cell }) => !stage.exclude.some((entry) => isSelected(cell, entry)),
        );
  if (kept.length === 0) return failed({ kind: "all-excluded" });
  return { ok: true, cells: kept.map((row) => ({ stage, ...row })) };
}

function failed(problem: CellProblem): StageCells {
  return { ok: false, problem };
}

function selectCells(
  { stage, where }: InputSource,
  upstream: ReadonlyMap<string, readonly StageCell[]>,
): readonly StageCell[] {
  const cells = upstream.get(stage) ?? [];
  if (Object.keys(where).length === 0) return cells;
  return cells.filter(({ cell }) => isSelected(cell, where));
}

type Joined<T> =
  | { readonly ok: true; readonly rows: readonly T[] }
  | { readonly ok: false; readonly problem: CellProblem };

/** Natural join in the order of `left`, then of `right`. Counted before anything is made. */
function join<
  L extends { readonly cell: Cell },
  R extends { readonly cell: Cell },
  T,
>(
  left: readonly L[],
  right: readonly R[],
  part: string,
  combine: (left: L, right: R) => T,
): Joined<T> {
  const find = createMatcher(right);
  const matches = left.map(({ cell }) => find(cell));
  const total = matches.reduce((sum, found) => sum + found.length, 0);
  if (total > MAX_TASKS) {
    const factors = [left.length, right.length];
    return { ok: false, problem: { kind: "too-large", part, factors, total } };
  }
  if (total === 0) {
    const axes = [...new Set(right.flatMap(({ cell }) => Object.keys(cell)))];
    return { ok: false, problem: { kind: "no-match", part, axes } };
  }
  const rows: T[] = [];
  for (const [i, row] of left.entries())
    for (const other of matches[i] ?? []) rows.push(combine(row, other));
  return { ok: true, rows };
}

/**
 * Finds the cells of `right` that agree with a given one. Cells with the same axes are indexed together, by their
 * values on the axes that they share with the asking cell, so that a lookup does not walk through all of them.
 */
function createMatcher<R extends { readonly cell: Cell }>(
  right: readonly R[],
): (cell: Cell) => readonly R[] {
  const groups = new Map<string, { axes: string[]; members: number[] }>();
  for (const [i, { cell }] of right.entries()) {
    const axes = Object.keys(cell);
    const signature = axes.join("\n");
    const group = groups.get(signature);
    if (group === undefined) groups.set(signature, { axes, members: [i] });
    else group.members.push(i);
  }
  const indexes = [...groups.values()].map(({ axes, members }) =>
    createIndex(right, axes, members),
  );
  return (cell) => {
    const [first, ...others] = indexes;
    if (first === undefined) return [];
    if (others.length === 0) return first(cell).rows;
    const order = indexes.flatMap((index) => index(cell).members);
    return order.sort((a, b) => a - b).flatMap((i) => right[i] ?? []);
  };
}

type Found<R> = {
  readonly members: readonly number[];
  readonly rows: readonly R[];
};

function createIndex<R extends { readonly cell: Cell }>(
  right: readonly R[],
  axes: readonly string[],
  members: readonly number[],
): (cell: Cell) => Found<R> {
  const bySharedAxes = new Map<
    string,
    Map<string, { members: number[]; rows: R[] }>
  >();
  const nothing: Found<R> = { members: [], rows: [] };
  return (cell) => {
    const shared = axes.filter((axis) => axis in cell);
    const signature = shared.join("\n");
    let index = bySharedAxes.get(signature);
    if (index === undefined) {
      index = new Map();
      for (const i of members) {
        const row = right[i] as R;
        const values = valuesOn(row.cell, shared);
        const bucket = index.get(values);
        if (bucket === undefined)
          index.set(values, { members: [i], rows: [row] });
        else {
          bucket.members.push(i);
          bucket.rows.push(row);
        }
      }
      bySharedAxes.set(signature, index);
    }
    return index.get(valuesOn(cell, shared)) ?? nothing;
  };
}

function valuesOn(cell: Cell, axes: readonly string[]): string {
  if (axes.length === 0) return "";
  const values: (CellValue | undefined)[] = axes.map((axis) => cell[axis]);
  return JSON.stringify(values);
}
