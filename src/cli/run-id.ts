/** The id of a run: the same file finds its run again, another plan is another run. */
import type { Plan } from "../plan/plan.ts";

export function runIdOf({
  pipeline,
  digest,
}: Pick<Plan, "pipeline" | "digest">): string {
  return `${pipeline}-${digest.slice(0, 8)}`;
}
