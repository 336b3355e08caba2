/**
 * Which ready task to start first: the one with the longest chain of work behind it (list scheduling by critical
 * path; Graham's bound holds for any order, this one is rarely far from the best in practice).
 */
import { weightOf } from "../plan/graph.ts";
import type { Plan } from "../plan/plan.ts";

export type PlanGraph = {
  /** For each task, in plan order, the indices of its inputs, which stand before it. */
  readonly inputsOf: readonly (readonly number[])[];
  /** For each task the weight of the heaviest chain that starts with it. */
  readonly chains: Float64Array;
};

/** Plans do not change, and a run's loop asks for the same one all the time: half of the time of a decision. */
const graphs = new WeakMap<Plan, PlanGraph>();

/** What follows from a plan alone. A plan whose order or names are broken is a bug and throws. */
export function graphOf(plan: Plan): PlanGraph {
  const known = graphs.get(plan);
  if (known !== undefined) return known;
  const inputsOf = inputIndices(plan);
  const graph = { inputsOf, chains: chainWeights(plan, inputsOf) };
  graphs.set(plan, graph);
  return graph;
}

function chainWeights(
  plan: Plan,
  inputsOf: readonly (readonly number[])[],
): Float64Array {
  const weights = new Float64Array(plan.tasks.length);
  for (let index = plan.tasks.length - 1; index >= 0; index--) {
    const task = plan.tasks[index];
    if (task === undefined) continue;
    const own = (weights[index] ?? 0) + weightOf(task.kind);
    weights[index] = own;
    for (const input of inputsOf[index] ?? [])
      if (own > (weights[input] ?? 0)) weights[input] = own;
  }
  return weights;
}

function inputIndices(plan: Plan): readonly (readonly number[])[] {
  const indexOf = new Map<string, number>();
  return plan.tasks.map((task, index) => {
    const inputs = Object.values(task.inputs)
      .flat()
      .map((name) => {
        const at = indexOf.get(name);
        if (at === undefined)
          throw new Error(
            `task '${task.name}' stands before its input '${name}', or the plan has no such task`,
          );
        return at;
      });
    indexOf.set(task.name, index);
    return inputs;
  });
}
