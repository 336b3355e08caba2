/**
 * The port to where tasks run: a process per attempt on this machine, or a Job in a cluster.
 * Names of attempts are deterministic, so "already exists" is success and applying twice is harmless.
 */
import type { Plan } from "../plan/plan.ts";
import type { Observation } from "../run/observation.ts";
import type { Action } from "../run/status.ts";

export type TaskProgress = {
  readonly task: string;
  readonly step: number;
  readonly steps: number;
  /** Short, for people: `loss 2.51, 640 images/s`. */
  readonly detail: string;
  /** What a training stands still for, if it does for a good part of its time. */
  readonly waiting: Waiting | null;
};

export type Waiting = {
  /** `storage` or `decode`. */
  readonly for: string;
  /** Of the time, 0 to 1. */
  readonly share: number;
};

export type Executor = {
  observe(plan: Plan): Promise<Observation>;
  apply(plan: Plan, actions: readonly Action[]): Promise<void>;
  /** Resolves when something may have changed, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Latest progress of what runs now. */
  progress(): readonly TaskProgress[];
  /** Tells running attempts to stop after a checkpoint, waits for them, and releases what was held. */
  close(): Promise<void>;
};
