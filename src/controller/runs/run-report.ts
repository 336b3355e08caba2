/** What a run loop has to tell about its Run: what the status is made of. */
import type { PlanReceipt } from "../../resources/run-resource.ts";
import type { Hindrance } from "../../resources/run-status.ts";
import type { RunStatus } from "../../run/status.ts";

export type RunReport = {
  /** Null: there is no plan yet, or it has not been read yet. */
  readonly seen: RunStatus | null;
  /** Why there can be no plan: terminal. */
  readonly planProblem: string | null;
  readonly receipt: PlanReceipt | null;
  /** Null: as they were. */
  readonly gpuHours: number | null;
  /** What a person should look at although it ends nothing. */
  readonly hindrances: readonly Hindrance[];
};
