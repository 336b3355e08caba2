/**
 * Where one task stands at one moment, as a union: what `reconcile` decides from and what people are told about.
 * Only computed, never stored: it follows from (plan, observation, now).
 */

export type TaskState =
  | { readonly phase: "Succeeded"; readonly cached: boolean }
  | { readonly phase: "Running"; readonly stopping: string | null }
  | { readonly phase: "Failed"; readonly reason: string }
  /** `because`: the task whose failure made this one impossible, however far upstream. */
  | { readonly phase: "Skipped"; readonly because: string }
  | { readonly phase: "Cancelled" }
  | { readonly phase: "Pending"; readonly wait: Wait };

export type Wait =
  /** Some input is not committed: the first such task. */
  | { readonly for: "input"; readonly task: string }
  | { readonly for: "claim"; readonly heldBy: string }
  | {
      readonly for: "backoff";
      readonly untilMs: number;
      readonly reason: string;
    }
  /** An attempt is there and waits for a place in the cluster; `isStarting`: no longer than any other. */
  | {
      readonly for: "cluster";
      readonly reason: string;
      readonly isStarting: boolean;
    }
  /** The run is suspended or held. */
  | { readonly for: "people"; readonly reason: string }
  /** Nothing but room on the executor, or nothing at all: it starts now. */
  | { readonly for: "capacity" };

/** One line for people: why the task is where it is; empty when the phase says it all. */
export function explain(state: TaskState): string {
  if (state.phase === "Pending") return explainWait(state.wait);
  if (state.phase === "Failed") return state.reason;
  if (state.phase === "Skipped")
    return `needs '${state.because}', which failed`;
  if (state.phase === "Running")
    return state.stopping === null ? "" : `stopping: ${state.stopping}`;
  if (state.phase === "Succeeded")
    return state.cached ? "found in the store" : "";
  return "cancelled";
}

function explainWait(wait: Wait): string {
  if (wait.for === "input") return `waits for '${wait.task}'`;
  if (wait.for === "claim")
    return `waits for ${wait.heldBy}, who computes the same artifact`;
  if (wait.for === "cluster" || wait.for === "people") return wait.reason;
  if (wait.for === "backoff") return `tries again soon, after: ${wait.reason}`;
  return "waits for room";
}
