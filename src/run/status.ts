/**
 * What a run reports: counters, one row per stage, why something waits or failed. Small whatever the size of the
 * plan (invariant E); a report of what was observed, never a wish, and always computable again.
 */

import type { TaskState } from "./task-state.ts";

export type TaskPhase =
  "Pending" | "Running" | "Succeeded" | "Failed" | "Skipped" | "Cancelled";
export type RunPhase =
  "Pending" | "Running" | "Suspended" | "Succeeded" | "Failed" | "Cancelled";

export type TaskNote = {
  readonly task: string;
  readonly phase: TaskPhase;
  /** Why it waits or how it failed, one line. */
  readonly reason: string;
  readonly attempts: number;
};

export type StageRow = {
  readonly stage: string;
  readonly kind: string;
  readonly tasks: number;
  readonly succeeded: number;
  /** Of the succeeded: found in the store, not computed by this run. */
  readonly cached: number;
  readonly running: number;
  readonly failed: number;
};

export type RunStatus = {
  readonly phase: RunPhase;
  readonly reason: string;
  readonly counts: Readonly<Record<TaskPhase, number>> & {
    readonly total: number;
    readonly cached: number;
  };
  /** At most 50, in plan order. */
  readonly stages: readonly StageRow[];
  /** At most 20 of each phase that needs a word: failed, waiting for others, running. */
  readonly notes: readonly TaskNote[];
};

export type Action =
  | { readonly kind: "start"; readonly task: string; readonly attempt: number }
  | {
      readonly kind: "stop";
      readonly task: string;
      /** What the end of the attempt is then put down to. */
      readonly cause: "deadline" | "stopped-by-us";
      readonly reason: string;
    };

export type Decision = {
  readonly status: RunStatus;
  readonly actions: readonly Action[];
  /** Look again after this time even if nothing happens; null: only when something happens. */
  readonly requeueAfterMs: number | null;
  /** Where each task stands, in plan order: what transitions are told from. */
  readonly states: readonly TaskState[];
};
