/** Tasks by name, computed once for the plan that is at hand. */
import type { Plan, Task } from "../plan/plan.ts";

export function createTaskIndex(): (plan: Plan) => ReadonlyMap<string, Task> {
  let known: { plan: Plan; byName: ReadonlyMap<string, Task> } | null = null;
  return (plan) => {
    if (known?.plan !== plan) {
      const byName = new Map(plan.tasks.map((task) => [task.name, task]));
      known = { plan, byName };
    }
    return known.byName;
  };
}
