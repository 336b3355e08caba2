/**
 * The tasks of a pipeline before they have names and keys: one per cell, or for a stage that is split, one per part
 * and one that merges the parts. In topological order, tasks of one stage together.
 */
import { expandStage, type StageCell } from "../spec/cells.ts";
import type { PipelineSpec } from "../spec/pipeline-spec.ts";
import { declarationOf } from "../spec/stage-kinds.ts";
import type { TaskKind, TaskPart } from "./plan.ts";

export type TaskDraft = {
  readonly kind: TaskKind;
  readonly from: StageCell;
  readonly part: TaskPart | null;
  /** Input name → indexes of drafts. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
};

/** The input of a merge: all parts, in their order. */
const PARTS_INPUT = "parts";

/** The drafts of all tasks of a spec. */
export function draftTasks(spec: PipelineSpec): TaskDraft[] {
  const drafts: TaskDraft[] = [];
  const cells = new Map<string, readonly StageCell[]>();
  /** The draft that downstream tasks read for a cell. */
  const readers = new Map<StageCell, number>();
  const indexOf = (cell: StageCell): number => {
    const index = readers.get(cell);
    if (index === undefined)
      throw new Error(`a cell of '${cell.stage.name}' has no task`);
    return index;
  };
  for (const stage of spec.stages) {
    const expanded = expandStage(stage, cells);
    if (!expanded.ok)
      throw new Error(
        `stage '${stage.name}' of a checked spec: ${expanded.problem.kind}`,
      );
    cells.set(stage.name, expanded.cells);
    const { parts } = declarationOf(stage.kind);
    for (const from of expanded.cells) {
      const inputs = Object.fromEntries(
        Object.entries(from.inputs).map(([input, upstream]) => [
          input,
          upstream.map(indexOf),
        ]),
      );
      if (parts !== null)
        draftParts(drafts, from, inputs, Number(from.params[parts]));
      else drafts.push({ kind: stage.kind, from, part: null, inputs });
      readers.set(from, drafts.length - 1);
    }
  }
  return drafts;
}

function draftParts(
  drafts: TaskDraft[],
  from: StageCell,
  inputs: TaskDraft["inputs"],
  count: number,
): void {
  const first = drafts.length;
  for (let index = 0; index < count; index++)
    drafts.push({
      kind: from.stage.kind,
      from,
      part: { index, count },
      inputs,
    });
  const parts = Array.from({ length: count }, (_, i) => first + i);
  drafts.push({
    kind: "catalog",
    from,
    part: null,
    inputs: { [PARTS_INPUT]: parts },
  });
}
