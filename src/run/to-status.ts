/**
 * Task states → what a run reports. Its size does not grow with the plan (invariant E): at most 50 rows, 20 notes of
 * a phase, and a reason is cut; what was left out is counted in `counts` and in the last row (invariant J).
 */
import type { Plan, Task } from "../plan/plan.ts";
import type { Observation } from "./observation.ts";
import type {
  Action,
  RunPhase,
  RunStatus,
  StageRow,
  TaskNote,
  TaskPhase,
} from "./status.ts";
import { explain, type TaskState } from "./task-state.ts";

const MAX_ROWS = 50;
const MAX_NOTES_OF_A_PHASE = 20;
const MAX_REASON_BYTES = 240;

export type StatusInput = {
  readonly plan: Plan;
  /** In plan order. */
  readonly states: readonly TaskState[];
  readonly actions: readonly Action[];
  readonly observation: Observation;
};

/** Whether a run in this phase has come to its end. */
export function isTerminal(phase: RunPhase): boolean {
  return phase !== "Pending" && phase !== "Running";
}

/** Counts, rows, notes and the phase of the run. */
export function toStatus(input: StatusInput): RunStatus {
  const counts = countPhases(input.states);
  const phase = runPhase(counts, input);
  const notes = toNotes(input);
  return {
    phase,
    reason: runReason(phase, counts, notes),
    counts,
    stages: toRows(input),
    notes,
  };
}

type Counts = RunStatus["counts"];

function countPhases(states: readonly TaskState[]): Counts {
  const counts = {
    Pending: 0,
    Running: 0,
    Succeeded: 0,
    Failed: 0,
    Skipped: 0,
    Cancelled: 0,
    total: states.length,
    cached: 0,
  };
  for (const state of states) {
    counts[state.phase]++;
    if (state.phase === "Succeeded" && state.cached) counts.cached++;
  }
  return counts;
}

function runPhase(counts: Counts, input: StatusInput): RunPhase {
  if (counts.Succeeded === counts.total) return "Succeeded";
  if (counts.Running > 0) return "Running";
  if (counts.Pending === 0)
    return counts.Cancelled > 0 ? "Cancelled" : "Failed";
  if (input.actions.length > 0) return "Running";
  // All wait: for others, if this run has not tried anything yet; else for its own back-off.
  return hasTried(input.observation) ? "Running" : "Pending";
}

function hasTried(observation: Observation): boolean {
  for (const { attempts } of observation.tasks.values())
    if (attempts.length > 0) return true;
  return false;
}

function runReason(
  phase: RunPhase,
  counts: Counts,
  notes: readonly TaskNote[],
): string {
  const done = `${counts.Succeeded} of ${counts.total} tasks done`;
  if (phase === "Succeeded")
    return counts.cached === counts.total
      ? "everything was found in the store"
      : `${done}, ${counts.cached} of them found in the store`;
  if (phase === "Failed") {
    const first = notes.find((note) => note.phase === "Failed");
    const more = counts.Failed > 1 ? ` (and ${counts.Failed - 1} more)` : "";
    return cut(`'${first?.task}' failed: ${first?.reason}${more}`);
  }
  if (phase === "Pending")
    return notes.find((note) => note.phase === "Pending")?.reason ?? done;
  if (phase === "Cancelled") return `cancelled with ${done}`;
  return `${done}, ${counts.Running} running`;
}

function toRows({ plan, states }: StatusInput): readonly StageRow[] {
  const rows = new Map(
    plan.stages.map(({ name, kind }) => [name, emptyRow(name, kind)]),
  );
  for (const [index, task] of plan.tasks.entries()) {
    const row = rows.get(task.stage);
    const state = states[index];
    if (row === undefined || state === undefined) continue;
    row.tasks++;
    if (state.phase === "Succeeded") row.succeeded++;
    if (state.phase === "Succeeded" && state.cached) row.cached++;
    if (state.phase === "Running") row.running++;
    if (state.phase === "Failed") row.failed++;
  }
  const all = [...rows.values()];
  if (all.length <= MAX_ROWS) return all;
  const rest = all.slice(MAX_ROWS - 1);
  return [...all.slice(0, MAX_ROWS - 1), sumRows(rest)];
}

type MutableRow = { -readonly [K in keyof StageRow]: StageRow[K] };

function emptyRow(stage: string, kind: string): MutableRow {
  return {
    stage,
    kind,
    tasks: 0,
    succeeded: 0,
    cached: 0,
    running: 0,
    failed: 0,
  };
}

function sumRows(rows: readonly StageRow[]): StageRow {
  const sum = emptyRow(`(${rows.length} more stages)`, "");
  for (const row of rows) {
    sum.tasks += row.tasks;
    sum.succeeded += row.succeeded;
    sum.cached += row.cached;
    sum.running += row.running;
    sum.failed += row.failed;
  }
  return sum;
}

function toNotes(input: StatusInput): readonly TaskNote[] {
  const starting = new Set(
    input.actions
      .filter(({ kind }) => kind === "start")
      .map(({ task }) => task),
  );
  const notes = new Map<TaskPhase, TaskNote[]>();
  for (const [index, task] of input.plan.tasks.entries()) {
    const state = input.states[index];
    if (state === undefined || !deservesNote(state, task, starting)) continue;
    const ofPhase = notes.get(state.phase) ?? [];
    if (ofPhase.length === 0) notes.set(state.phase, ofPhase);
    if (ofPhase.length >= MAX_NOTES_OF_A_PHASE) continue;
    ofPhase.push({
      task: task.name,
      phase: state.phase,
      reason: cut(explain(state)),
      attempts: input.observation.tasks.get(task.name)?.attempts.length ?? 0,
    });
  }
  const order: readonly TaskPhase[] = [
    "Failed",
    "Skipped",
    "Running",
    "Pending",
  ];
  return order.flatMap((phase) => notes.get(phase) ?? []);
}

/** Waiting for a task of the same plan is the ordinary case, and one that starts now waits for nothing. */
function deservesNote(
  state: TaskState,
  task: Task,
  starting: ReadonlySet<string>,
): boolean {
  if (state.phase === "Pending")
    return state.wait.for !== "input" && !starting.has(task.name);
  return state.phase !== "Succeeded" && state.phase !== "Cancelled";
}

const encoder = new TextEncoder();

/** One line of bounded size. */
function cut(reason: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what must go
  const line = reason.replace(/[\u0000-\u001f\u007f\s]+/g, " ").trim();
  if (encoder.encode(line).length <= MAX_REASON_BYTES) return line;
  let kept = "";
  let sizeBytes = 0;
  for (const point of line) {
    sizeBytes += encoder.encode(point).length;
    if (sizeBytes > MAX_REASON_BYTES - 3) break;
    kept += point;
  }
  return `${kept}…`;
}
