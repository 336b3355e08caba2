/** Questions about a plan's graph. Tasks are in topological order, so each is one pass. */
import { declarationOf } from "../spec/stage-kinds.ts";
import type { Plan, Task, TaskKind } from "./plan.ts";

/** Kinds that load the engine train or evaluate networks: minutes where others take seconds. */
const ENGINE_WEIGHT = 10;

/** A task's share of a chain, when nothing has been measured yet. */
export function weightOf(kind: TaskKind): number {
  return kind !== "catalog" && declarationOf(kind).needsEngine
    ? ENGINE_WEIGHT
    : 1;
}

/** The heaviest chain of tasks that need each other, first to last: what more machines cannot shorten. */
export function criticalPath(plan: Plan): readonly Task[] {
  const ends = new Map<string, ChainEnd>();
  let heaviest: ChainEnd | null = null;
  for (const task of plan.tasks) {
    let before: ChainEnd | null = null;
    for (const input in task.inputs)
      for (const name of task.inputs[input] ?? []) {
        const end = ends.get(name);
        if (end !== undefined && end.weight > (before?.weight ?? 0))
          before = end;
      }
    const weight = (before?.weight ?? 0) + weightOf(task.kind);
    const end: ChainEnd = { task, weight, before };
    ends.set(task.name, end);
    if (heaviest === null || weight > heaviest.weight) heaviest = end;
  }
  const path: Task[] = [];
  for (let end = heaviest; end !== null; end = end.before) path.push(end.task);
  return path.reverse();
}

/** The last task of the heaviest chain that leads to it. */
type ChainEnd = {
  readonly task: Task;
  readonly weight: number;
  readonly before: ChainEnd | null;
};
