/**
 * Task states → the notes of a status: at most 20 of each phase that needs a word, failures first.
 *
 * All reasons together are bounded, however many there are (invariant E). A failure's reason ends with what to try, so
 * it gets the most room, and the first failures get it before anything else; the last notes keep at least enough for
 * their beginning. Sizes are those of JSON text, where a quote is two bytes.
 */
import type { Plan, Task } from "../plan/plan.ts";
import type { Observation } from "./observation.ts";
import type { Action, TaskNote, TaskPhase } from "./status.ts";
import { explain, type TaskState } from "./task-state.ts";

const MAX_NOTES_OF_A_PHASE = 20;
const MAX_FAILURE_BYTES = 600;
const MAX_REASON_BYTES = 240;
const LEAST_REASON_BYTES = 120;
/** More than the least for four phases' notes; with 50 rows and the longest names, a status stays under 32 KiB. */
const ALL_REASONS_BYTES = 11_500;

/** In order of importance; Succeeded and Cancelled need no word. */
const PHASES = ["Failed", "Skipped", "Running", "Pending"] as const;

export type StatusInput = {
  readonly plan: Plan;
  /** In plan order. */
  readonly states: readonly TaskState[];
  readonly actions: readonly Action[];
  readonly observation: Observation;
};

export function toNotes(input: StatusInput): readonly TaskNote[] {
  const notes = collect(input);
  let leftBytes = ALL_REASONS_BYTES;
  return notes.map((note, index) => {
    const others = notes.length - 1 - index;
    const roomBytes = leftBytes - others * LEAST_REASON_BYTES;
    const mostBytes =
      note.phase === "Failed" ? MAX_FAILURE_BYTES : MAX_REASON_BYTES;
    const reason = cutReason(note.reason, Math.min(mostBytes, roomBytes));
    leftBytes -= jsonBytes(reason);
    return { ...note, reason };
  });
}

/** The notes with whole reasons. */
function collect(input: StatusInput): readonly TaskNote[] {
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
      reason: explain(state),
      attempts: input.observation.tasks.get(task.name)?.attempts.length ?? 0,
    });
  }
  return PHASES.flatMap((phase) => notes.get(phase) ?? []);
}

/** Waiting for a task of the same plan is the ordinary case, and one that starts now, or just did, waits for nothing. */
function deservesNote(
  state: TaskState,
  task: Task,
  starting: ReadonlySet<string>,
): boolean {
  if (state.phase !== "Pending")
    return state.phase !== "Succeeded" && state.phase !== "Cancelled";
  const { wait } = state;
  const isOrdinary =
    wait.for === "input" || (wait.for === "cluster" && wait.isStarting);
  return !isOrdinary && !starting.has(task.name);
}

/** One line of at most `maxBytes` as JSON text. */
export function cutReason(reason: string, maxBytes = MAX_REASON_BYTES): string {
  // eslint-disable-next-line no-control-regex -- control characters are what must go
  const line = reason.replace(/[\u0000-\u001f\u007f\s]+/g, " ").trim();
  if (jsonBytes(line) <= maxBytes) return line;
  let kept = "";
  let sizeBytes = jsonBytes("…");
  for (const point of line) {
    sizeBytes += jsonBytes(point);
    if (sizeBytes > maxBytes) break;
    kept += point;
  }
  return `${kept}…`;
}

const encoder = new TextEncoder();

/** Size of a text in a JSON file, without the quotes around it. */
function jsonBytes(text: string): number {
  return encoder.encode(JSON.stringify(text)).length - 2;
}
