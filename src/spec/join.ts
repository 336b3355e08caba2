/**
 * The natural join of cells: two combine if they agree on every axis that both have. Cells need not have the same axes.
 * Counted before anything is made, so that a huge product costs nothing but its refusal.
 */
import { MAX_TASKS, type Cell } from "./pipeline-spec.ts";

type HasCell = { readonly cell: Cell };

export type JoinProblem =
  /** No cell of `part` (an input, `matrix` or `seeds`) agrees with what stands before it. */
  | {
      readonly kind: "no-match";
      readonly part: string;
      readonly axes: readonly string[];
    }
  | {
      readonly kind: "too-large";
      readonly part: string;
      readonly factors: readonly number[];
      readonly total: number;
    };

export type Joined<T> =
  | { readonly ok: true; readonly rows: readonly T[] }
  | { readonly ok: false; readonly problem: JoinProblem };

/** Every pair that agrees, combined, in the order of `left`, then of `right`. `part` names `right` in problems. */
export function join<L extends HasCell, R extends HasCell, T>(
  left: readonly L[],
  right: readonly R[],
  part: string,
  combine: (left: L, right: R) => T,
): Joined<T> {
  const matcher = createMatcher(right);
  let total = 0;
  for (const { cell } of left) total += matcher.count(cell);
  if (total > MAX_TASKS) {
    const factors = [left.length, right.length];
    return { ok: false, problem: { kind: "too-large", part, factors, total } };
  }
  if (total === 0) {
    const axes = [...new Set(right.flatMap(({ cell }) => Object.keys(cell)))];
    return { ok: false, problem: { kind: "no-match", part, axes } };
  }
  const rows: T[] = [];
  for (const row of left)
    for (const other of matcher.find(row.cell)) rows.push(combine(row, other));
  return { ok: true, rows };
}

type Matcher<R> = {
  count(cell: Cell): number;
  /** The cells that agree with this one, in their order. */
  find(cell: Cell): readonly R[];
};

/** Cells with the same axes are indexed together: looking up does not walk through all of them. */
function createMatcher<R extends HasCell>(right: readonly R[]): Matcher<R> {
  const groups = new Map<string, Placed<R>[]>();
  for (const [order, row] of right.entries()) {
    const signature = Object.keys(row.cell).join("\n");
    const group = groups.get(signature);
    if (group === undefined) groups.set(signature, [{ order, row }]);
    else group.push({ order, row });
  }
  const lookUps = [...groups.values()].map(createLookUp);
  const [only, ...others] = lookUps;
  return {
    count: (cell) =>
      lookUps.reduce((sum, lookUp) => sum + lookUp(cell).length, 0),
    find(cell) {
      const found =
        only !== undefined && others.length === 0
          ? only(cell)
          : lookUps
              .flatMap((lookUp) => lookUp(cell))
              .sort((a, b) => a.order - b.order);
      return found.map(({ row }) => row);
    },
  };
}

type Placed<R> = { readonly order: number; readonly row: R };
type LookUp<R> = (cell: Cell) => readonly Placed<R>[];

/** Over cells with the same axes: one index for each set of axes that asking cells share with them. */
function createLookUp<R extends HasCell>(
  group: readonly Placed<R>[],
): LookUp<R> {
  const axes = Object.keys(group[0]?.row.cell ?? {});
  const indexes = new Map<string, Map<string, Placed<R>[]>>();
  return (cell) => {
    const shared = axes.filter((axis) => axis in cell);
    const signature = shared.join("\n");
    let index = indexes.get(signature);
    if (index === undefined) {
      index = new Map();
      for (const placed of group) {
        const values = valuesOn(placed.row.cell, shared);
        const bucket = index.get(values);
        if (bucket === undefined) index.set(values, [placed]);
        else bucket.push(placed);
      }
      indexes.set(signature, index);
    }
    return index.get(valuesOn(cell, shared)) ?? [];
  };
}

function valuesOn(cell: Cell, axes: readonly string[]): string {
  return axes.length === 0
    ? ""
    : JSON.stringify(axes.map((axis) => cell[axis]));
}
