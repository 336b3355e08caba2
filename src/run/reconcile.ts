/**
 * The decision: (plan, observation, now) → (status, actions, when to look again). Pure (invariant D), no memory
 * between calls; two drivers that see the same decide the same, and the executor finds "already exists".
 *
 * A task settles by the first of these that holds. Its manifest is in the store: Succeeded (A). An attempt runs:
 * Running, stopped if the run is cancelled or the attempt is over its time. An input can never be: Skipped, naming
 * the failure at the root. It asks for more than there is, or its ends are final by `retry-policy`: Failed, with the
 * reason (G). The run is cancelled: Cancelled. Else it is Pending, and says what it waits for; those that wait for
 * room alone start, heaviest chain first, as many as fit. Smaller tasks may overtake one that does not fit, once
 * (`capacity`, N1).
 *
 * F: a run that was terminal stays as it was, whatever has vanished since. Trying again is a new decision without
 * `previous`, after somebody raised `control.retriedAtMs`.
 */
import type { Plan, Resources, Task } from "../plan/plan.ts";
import { createRoom, explainTooLarge } from "./capacity.ts";
import { graphOf } from "./critical-path.ts";
import type {
  Observation,
  RunControl,
  TaskObservation,
} from "./observation.ts";
import { judgeAttempts } from "./retry-policy.ts";
import { canRaiseMemory, resourcesAfter } from "./task-memory.ts";
import type { Action, Decision, RunStatus } from "./status.ts";
import type { TaskState, Wait } from "./task-state.ts";
import { isTerminal, toStatus } from "./to-status.ts";

/** How soon to look again at a key that somebody else computes. */
const LOOK_AT_CLAIMS_MS = 2000;

/**
 * Decides what to do next for a run.
 * @param previous status of an earlier decision, if any: a terminal one latches.
 */
export function reconcile(
  plan: Plan,
  observation: Observation,
  nowMs: number,
  previous?: RunStatus,
): Decision {
  const { inputsOf, chains } = graphOf(plan);
  const states = settleTasks(plan, inputsOf, observation, nowMs);
  if (previous !== undefined && isTerminal(previous.phase))
    return { status: previous, actions: [], requeueAfterMs: null, states };
  const actions = [
    ...stops(plan, states, observation, nowMs),
    ...starts(plan, states, observation, chains),
  ];
  return {
    status: toStatus({ plan, states, actions, observation }),
    actions,
    requeueAfterMs: nextLook(plan, states, observation, nowMs),
    states,
  };
}

function settleTasks(
  plan: Plan,
  inputsOf: readonly (readonly number[])[],
  observation: Observation,
  nowMs: number,
): readonly TaskState[] {
  const states: TaskState[] = [];
  for (const [index, task] of plan.tasks.entries()) {
    const blocked = blockedBy(plan, states, inputsOf[index] ?? []);
    states.push(settle(task, blocked, observation, nowMs));
  }
  return states;
}

/** What the inputs say: null when all are there. */
function blockedBy(
  plan: Plan,
  states: readonly TaskState[],
  inputs: readonly number[],
): TaskState | null {
  let waiting: TaskState | null = null;
  for (const input of inputs) {
    const state = states[input];
    const name = plan.tasks[input]?.name ?? "";
    if (state?.phase === "Failed") return { phase: "Skipped", because: name };
    if (state?.phase === "Skipped") return state;
    if (state?.phase !== "Succeeded" && waiting === null)
      waiting = { phase: "Pending", wait: { for: "input", task: name } };
  }
  return waiting;
}

function settle(
  task: Task,
  blocked: TaskState | null,
  observation: Observation,
  nowMs: number,
): TaskState {
  const { control, capacity } = observation;
  const seen = observation.tasks.get(task.name);
  if (seen?.committed)
    return { phase: "Succeeded", cached: seen.attempts.length === 0 };
  const running = runningAttempt(seen);
  const stopping = stopReason(task, seen, control, nowMs)?.reason ?? null;
  if (running?.waiting && stopping === null)
    return {
      phase: "Pending",
      wait: {
        for: "cluster",
        reason: running.waiting,
        isStarting: running.isStarting ?? false,
      },
    };
  if (running !== undefined) return { phase: "Running", stopping };
  if (blocked?.phase === "Skipped") return blocked;
  const tooLarge = explainTooLarge(needsOf(task, observation), capacity);
  if (tooLarge !== null) return { phase: "Failed", reason: tooLarge };
  const verdict = judgeAttempts({
    attempts: seen?.attempts ?? [],
    sinceMs: retriedAtMs(task, observation),
    key: task.key,
    canRaiseMemory: canRaiseMemory(task.resources),
  });
  if (verdict.kind === "failed")
    return { phase: "Failed", reason: verdict.reason };
  if (control.cancel) return { phase: "Cancelled" };
  if (blocked !== null) return blocked;
  const pending = (wait: Wait): TaskState => ({ phase: "Pending", wait });
  const asked = control.suspend ?? control.hold ?? null;
  if (asked !== null) return pending({ for: "people", reason: asked });
  if (seen?.heldBy) return pending({ for: "claim", heldBy: seen.heldBy });
  if (verdict.kind === "again" && verdict.notBeforeMs > nowMs)
    return pending({
      for: "backoff",
      untilMs: verdict.notBeforeMs,
      reason: verdict.reason,
    });
  return pending({ for: "capacity" });
}

function retriedAtMs(task: Task, { control }: Observation): number {
  return Math.max(
    control.retriedAtMs[task.name] ?? Number.NEGATIVE_INFINITY,
    control.retriedAtMs["*"] ?? Number.NEGATIVE_INFINITY,
  );
}

function needsOf({ name, resources }: Task, { tasks }: Observation): Resources {
  return resourcesAfter(resources, tasks.get(name)?.attempts ?? []);
}

function runningAttempt(seen: TaskObservation | undefined) {
  return seen?.attempts.findLast(({ end }) => end === null);
}

type StopReason = Pick<Extract<Action, { kind: "stop" }>, "cause" | "reason">;

function stopReason(
  task: Task,
  seen: TaskObservation | undefined,
  control: RunControl,
  nowMs: number,
): StopReason | null {
  const attempt = runningAttempt(seen);
  if (attempt === undefined) return null;
  const stop = (reason: string): StopReason => ({
    cause: "stopped-by-us",
    reason,
  });
  if (control.cancel) return stop("the run is cancelled");
  if (control.suspend) return stop(control.suspend);
  // Time in a queue is not the task's.
  if (task.timeoutMs === null || attempt.waiting) return null;
  if (nowMs - attempt.startedAtMs < task.timeoutMs) return null;
  return {
    cause: "deadline",
    reason: `over its time limit of ${task.timeoutMs / 1000} s; raise 'timeout' of the stage`,
  };
}

function stops(
  plan: Plan,
  states: readonly TaskState[],
  observation: Observation,
  nowMs: number,
): readonly Action[] {
  return plan.tasks.flatMap((task, index) => {
    if (states[index]?.phase !== "Running") return [];
    const seen = observation.tasks.get(task.name);
    const stop = stopReason(task, seen, observation.control, nowMs);
    return stop ? [{ kind: "stop" as const, task: task.name, ...stop }] : [];
  });
}

function starts(
  plan: Plan,
  states: readonly TaskState[],
  observation: Observation,
  chains: Float64Array,
): readonly Action[] {
  const inOrder = plan.tasks.flatMap((task, index) => {
    const state = states[index];
    const runs = state?.phase === "Running";
    const isReady = state?.phase === "Pending" && state.wait.for === "capacity";
    const chain = chains[index] ?? 0;
    return runs || isReady
      ? [{ task, runs, chain, needs: needsOf(task, observation) }]
      : [];
  });
  // The sort is stable: of equal chains, the first of the plan.
  inOrder.sort((a, b) => b.chain - a.chain);
  const running = inOrder.filter(({ runs }) => runs);
  const room = createRoom(
    observation.capacity,
    running.map(({ needs }) => needs),
  );
  return inOrder.flatMap(({ task, runs, needs }) => {
    if (runs) room.pass(needs);
    if (runs || !room.admit(needs)) return [];
    const last = observation.tasks.get(task.name)?.attempts.at(-1);
    const attempt = (last?.number ?? 0) + 1;
    return [{ kind: "start" as const, task: task.name, attempt }];
  });
}

/** Milliseconds until something is due that no event announces: a back-off, a time limit, a look at a claim. */
function nextLook(
  plan: Plan,
  states: readonly TaskState[],
  observation: Observation,
  nowMs: number,
): number | null {
  let next = Number.POSITIVE_INFINITY;
  for (const [index, task] of plan.tasks.entries()) {
    const state = states[index];
    if (state?.phase === "Pending") {
      if (state.wait.for === "claim") next = Math.min(next, LOOK_AT_CLAIMS_MS);
      if (state.wait.for === "backoff")
        next = Math.min(next, state.wait.untilMs - nowMs);
    }
    if (state?.phase !== "Running" || task.timeoutMs === null) continue;
    const attempt = runningAttempt(observation.tasks.get(task.name));
    if (attempt === undefined || state.stopping !== null) continue;
    next = Math.min(next, attempt.startedAtMs + task.timeoutMs - nowMs);
  }
  return Number.isFinite(next) ? Math.max(0, next) : null;
}
