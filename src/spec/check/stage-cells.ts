/**
 * What can only be seen once stages are put together: axes that do not exist, selections of nothing, sizes.
 * Each stage is expanded once, upstream first; a stage with a mistake hides what would follow from it downstream.
 */
import type { StageCell, CellProblem } from "../cells.ts";
import { expandStage } from "../cells.ts";
import type { IssuePath, Mistake } from "../issue.ts";
import { axesOf, isSelected } from "../selection.ts";
import {
  checkAxisReference,
  checkSelector,
  createDomain,
  unknownAxes,
  type Domain,
} from "./selectors.ts";
import { MAX_TASKS, type Cell, type StageSpec } from "../pipeline-spec.ts";
import { declarationOf } from "../stage-kinds.ts";
import type { SourcePlaces } from "./stage-inputs.ts";

export type PlacedStage = {
  readonly spec: StageSpec;
  readonly places: Readonly<Record<string, readonly SourcePlaces[]>>;
  /** Places in the file of the entries of `spec.exclude`: indexes of `matrix.exclude`. */
  readonly excludeIndexes: readonly number[];
};

/** Paths are those of the document. Stages come upstream first; one whose upstream is absent is passed over. */
export function checkCells(stages: readonly PlacedStage[]): Mistake[] {
  const known = new Map<string, readonly StageCell[]>();
  const mistakes: Mistake[] = [];
  let total = 0;
  for (const stage of stages) {
    const upstreams = Object.values(stage.spec.inputs).flatMap(({ sources }) =>
      sources.map((source) => source.stage),
    );
    if (!upstreams.every((name) => known.has(name))) continue;
    const found = checkStage(stage, known);
    mistakes.push(...found.mistakes);
    if (found.cells === null) continue;
    known.set(stage.spec.name, found.cells);
    total += countTasks(stage.spec, found.cells);
    if (total > MAX_TASKS) {
      mistakes.push(tooManyTasks(stage.spec, total));
      break;
    }
  }
  return mistakes;
}

function checkStage(
  stage: PlacedStage,
  known: ReadonlyMap<string, readonly StageCell[]>,
): {
  readonly cells: readonly StageCell[] | null;
  readonly mistakes: readonly Mistake[];
} {
  const root: IssuePath = ["stages", stage.spec.name];
  const selections = checkSelections(stage, known, root);
  if (selections.length > 0) return { cells: null, mistakes: selections };
  const excluded = checkExcluded(stage, known, root);
  if (excluded.length > 0) return { cells: null, mistakes: excluded };
  const expanded = expandStage(stage.spec, known);
  if (!expanded.ok)
    return {
      cells: null,
      mistakes: [toMistake(expanded.problem, stage, root)],
    };
  return {
    cells: expanded.cells,
    mistakes: checkReferences(stage.spec, known).map((mistake) => ({
      ...mistake,
      path: [...root, ...mistake.path],
    })),
  };
}

/** `where` of every input: axes that no upstream cell has, values that none has there. */
function checkSelections(
  stage: PlacedStage,
  known: ReadonlyMap<string, readonly StageCell[]>,
  root: IssuePath,
): Mistake[] {
  return Object.entries(stage.spec.inputs).flatMap(([input, { sources }]) =>
    sources.flatMap((source, i) => {
      if (Object.keys(source.where).length === 0) return [];
      const domain = createDomain(cellsOf(known, source.stage));
      const where = stage.places[input]?.[i]?.where ?? [];
      return checkSelector(source.where, domain, [...root, ...where]);
    }),
  );
}

/** Entries of `exclude` that name axes which neither the stage nor any of its inputs has. */
function checkExcluded(
  { spec, excludeIndexes }: PlacedStage,
  known: ReadonlyMap<string, readonly StageCell[]>,
  root: IssuePath,
): Mistake[] {
  if (spec.exclude.length === 0) return [];
  const axes = new Set(axesOf(spec.variants.map(({ cell }) => cell)));
  for (const [input, { sources, isAxis }] of Object.entries(spec.inputs)) {
    if (isAxis) axes.add(input);
    for (const source of sources)
      for (const axis of axesOf(cellsOf(known, source.stage))) axes.add(axis);
  }
  if (spec.seeds !== null) axes.add("seed");
  return spec.exclude.flatMap((entry, i) =>
    unknownAxes(
      entry,
      [...axes],
      [...root, "matrix", "exclude", excludeIndexes[i] ?? 0],
    ),
  );
}

/** Axes that the parameters of a stage speak of. Paths are relative to the stage. */
function checkReferences(
  spec: StageSpec,
  known: ReadonlyMap<string, readonly StageCell[]>,
): Mistake[] {
  const references = declarationOf(spec.kind).axisReferences ?? [];
  const domains = new Map<string, Domain>();
  const domainOf = (input: string): Domain => {
    const found = domains.get(input);
    if (found !== undefined) return found;
    const sources = spec.inputs[input]?.sources ?? [];
    // `stage` tells apart what several stages measured.
    const cells = sources.flatMap(({ stage, where }) =>
      cellsOf(known, stage)
        .filter((cell) => isSelected(cell, where))
        .map((cell): Cell => ({ stage, ...cell })),
    );
    const domain = createDomain(cells);
    domains.set(input, domain);
    return domain;
  };
  return references.flatMap((reference) => {
    const domain = domainOf(reference.input);
    if (domain.cells.length === 0) return [];
    return spec.variants.flatMap(({ params }) =>
      checkAxisReference(reference, params, domain),
    );
  });
}

function cellsOf(
  known: ReadonlyMap<string, readonly StageCell[]>,
  stage: string,
): Cell[] {
  return (known.get(stage) ?? []).map(({ cell }) => cell);
}

function toMistake(
  problem: CellProblem,
  { spec, places }: PlacedStage,
  root: IssuePath,
): Mistake {
  const at = (input: string, source: number): SourcePlaces =>
    places[input]?.[source] ?? { stage: [], where: [] };
  if (problem.kind === "where-empty")
    return {
      code: "spec.where-empty",
      path: [...root, ...at(problem.input, problem.source).where],
      place: "value",
      message: "no upstream cell has all of these values at once",
    };
  if (problem.kind === "axis-taken")
    return {
      code: "spec.axis-conflict",
      path: [...root, ...at(problem.input, problem.source).stage],
      place: "value",
      message: `this list would make an axis '${problem.input}', which the cells of '${spec.inputs[problem.input]?.sources[problem.source]?.stage}' already have`,
      hint: "give each stage of the list an input of its own, or a single stage",
    };
  if (problem.kind === "no-match")
    return {
      code: "spec.no-cells",
      path: [...root, ...pathOfPart(problem.part)],
      place: "key",
      message: `no cell is left: ${describePart(problem.part)} agrees with nothing before it on the axes they share (${problem.axes.join(", ")})`,
      hint: "axes of one name are joined by value; give one of the two another name, or the same values",
    };
  if (problem.kind === "all-excluded")
    return {
      code: "spec.no-cells",
      path: [...root, "matrix", "exclude"],
      place: "key",
      message: "`exclude` leaves no cell of this stage",
    };
  return {
    code: "spec.too-large",
    path: [...root, ...pathOfPart(problem.part)],
    place: "key",
    message: `expected at most ${format(MAX_TASKS)} tasks, found ${problem.factors.map(format).join(" × ")} = ${format(problem.total)} with ${describePart(problem.part)}`,
  };
}

function pathOfPart(part: string): IssuePath {
  return part === "matrix" || part === "seeds" ? [part] : ["inputs", part];
}

function describePart(part: string): string {
  return part === "matrix" || part === "seeds"
    ? `\`${part}\``
    : `the input '${part}'`;
}

function format(count: number): string {
  return count.toLocaleString("en-US");
}

/** Tasks of a stage: one per cell, or one per part and one that merges them. */
export function countTasks(
  stage: StageSpec,
  cells: readonly Pick<StageCell, "params">[],
): number {
  const { parts } = declarationOf(stage.kind);
  if (parts === null) return cells.length;
  return cells.reduce((sum, { params }) => sum + Number(params[parts]) + 1, 0);
}

function tooManyTasks(stage: StageSpec, total: number): Mistake {
  return {
    code: "spec.too-large",
    path: ["stages", stage.name],
    place: "key",
    message: `expected at most ${format(MAX_TASKS)} tasks in a plan, found ${format(total)} up to this stage`,
  };
}
