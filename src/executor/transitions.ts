/** What changed between two looks at a run: the lines of its history. Pure. */
import type { Plan } from "../plan/plan.ts";
import type { Observation } from "../run/observation.ts";
import type { TaskPhase } from "../run/status.ts";
import { explain, type TaskState } from "../run/task-state.ts";

export type Transition = {
  /** Null: many tasks at once, counted in the reason. */
  readonly task: string | null;
  readonly from: TaskPhase;
  readonly to: TaskPhase;
  readonly attempt: number | null;
  readonly reason: string;
};

/**
 * One transition per task whose phase changed.
 * @param before null at the first look: tasks found in the store are then one transition for all of them.
 */
export function findTransitions(options: {
  readonly plan: Plan;
  readonly before: readonly TaskState[] | null;
  readonly after: readonly TaskState[];
  readonly observation: Observation;
}): readonly Transition[] {
  const { plan, before, after, observation } = options;
  const transitions: Transition[] = [];
  let found = 0;
  for (const [index, { name }] of plan.tasks.entries()) {
    const to = after[index];
    const from = before?.[index]?.phase ?? "Pending";
    if (to === undefined || from === to.phase) continue;
    if (before === null && to.phase === "Succeeded") {
      found++;
      continue;
    }
    const attempts = observation.tasks.get(name)?.attempts ?? [];
    const last = attempts.at(-1);
    const attempt = last?.number ?? null;
    // An attempt that ended and is followed by another: why it ended says more than what the next one waits for.
    const reason =
      to.phase === "Pending" && last?.end ? last.end.reason : explain(to);
    transitions.push({ task: name, from, to: to.phase, attempt, reason });
  }
  if (found === 0) return transitions;
  const reason = `${found} of ${plan.tasks.length} tasks were found in the store`;
  const all = { task: null, from: "Pending", to: "Succeeded" } as const;
  return [{ ...all, attempt: null, reason }, ...transitions];
}
