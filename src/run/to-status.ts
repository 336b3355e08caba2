/**
 * Task states → what a run reports. Its size does not grow with the plan (invariant E): at most 50 rows, and notes of
 * bounded size (`to-notes.ts`); what was left out is counted in `counts` and in the last row (invariant J).
 */
import type { Observation } from "./observation.ts";
import type { RunPhase, RunStatus, StageRow, TaskNote } from "./status.ts";
import type { TaskState } from "./task-state.ts";
import { cutReason, toNotes, type StatusInput } from "./to-notes.ts";

const MAX_ROWS = 50;

/** Whether a run in this phase has come to its end. */
export function isTerminal(phase: RunPhase): boolean {
  return phase === "Succeeded" || phase === "Failed" || phase === "Cancelled";
}

/** Counts, rows, notes and the phase of the run. */
export function toStatus(input: StatusInput): RunStatus {
  const counts = countPhases(input.states);
  const phase = runPhase(counts, input);
  const notes = toNotes(input);
  return {
    phase,
    reason: runReason(phase, counts, notes, input),
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
  if (counts.Pending > 0 && input.observation.control.suspend)
    return "Suspended";
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
  input: StatusInput,
): string {
  const done = `${counts.Succeeded} of ${counts.total} tasks done`;
  if (phase === "Succeeded")
    return counts.cached === counts.total
      ? "everything was found in the store"
      : `${done}, ${counts.cached} of them found in the store`;
  if (phase === "Failed") {
    const first = notes.find((note) => note.phase === "Failed");
    const more = counts.Failed > 1 ? ` (and ${counts.Failed - 1} more)` : "";
    // Its note has the whole reason.
    return `${cutReason(`'${first?.task}' failed: ${first?.reason}`)}${more}`;
  }
  if (phase === "Pending")
    return notes.find((note) => note.phase === "Pending")?.reason ?? done;
  if (phase === "Suspended")
    return `${input.observation.control.suspend}; ${done}`;
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
