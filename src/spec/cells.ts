/**
 * The cells of every stage: its variants, combined with the cells of its upstreams and with its seeds.
 *
 * Invariants
 * - Axes of one name are one axis: cells combine only if they agree on every axis that both have (a natural join),
 *   so an axis is never crossed with itself, however many ways lead to it.
 * - Cells of one stage may differ in their axes: a list of stages brings each stage's own.
 * - Nothing is expanded before its size is known and within `MAX_TASKS`.
 */
import { join, type JoinProblem } from "./join.ts";
import { isSelected } from "./selection.ts";
import type {
  Cell,
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
  | { readonly kind: "all-excluded" }
  | JoinProblem;

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
