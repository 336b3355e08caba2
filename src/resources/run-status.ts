/**
 * What is seen of a run → the status of its Run object. Pure; below 32 KiB whatever the plan (invariant E), so it has
 * at most 20 of the notes, and every text in it has an end.
 *
 * The conditions, each with a reason for programs and a message for people:
 * - `Planned`: True from when there is a plan. False: it is being made, or `PlanFailed` with what is wrong.
 * - `Admitted`: True while pods work on tasks. False: why none does, such as the queue, a quota, the scheduler. Of an
 *   ended Run it says what was so last.
 * - `Progressing`: True while it is planned or tasks run. False: it waits, is suspended or held, or has ended.
 * - `Suspended`: True when `spec.suspend` is set and nothing runs any more. False with `Stopping`: not yet.
 * - `Degraded`: True when something hinders it that does not end it, failed tasks among them; all of it in the message.
 * - `Succeeded`, `Failed`: False until the end, then one of them is True. A cancelled Run has failed, `Cancelled`.
 *
 * F: the status of a Run that has ended stays as it is, whatever has vanished since. Only a retry that was asked for
 * after the end of a failed or cancelled Run lifts that (`isLatched`).
 */
import { isDeepStrictEqual } from "node:util";
import type { RunControl } from "../run/observation.ts";
import type { RunStatus } from "../run/status.ts";
import { cutReason } from "../run/to-notes.ts";
import { bounds } from "./bounds.ts";
import { toConditions, toTime } from "./conditions.ts";
import { toClaims, waitingNote } from "./run-claims.ts";
import type {
  PlanReceipt,
  RunCounts,
  RunResourcePhase,
  RunResourceStatus,
} from "./run-resource.ts";

export type RunSighting = {
  /** `metadata.generation` of the Run that was looked at. */
  readonly generation: number;
  readonly nowMs: number;
  /** The status that the Run has. */
  readonly previous: RunResourceStatus | undefined;
  readonly control: RunControl;
  /** Null: there is no plan yet, or this controller has not read it yet. */
  readonly seen: RunStatus | null;
  /** Why there can be no plan, which ends the Run. */
  readonly planProblem: string | null;
  readonly receipt: PlanReceipt | null;
  /** Used so far, by all pods. */
  readonly gpuHours: number;
  readonly store: { readonly url: string; readonly run: string } | null;
  readonly hindrances: readonly Hindrance[];
};

/** Something that hinders a Run and does not end it. */
export type Hindrance = {
  /** CamelCase: `StoreUnavailable`, `QuotaExceeded`. */
  readonly reason: string;
  readonly message: string;
};

const MAX_REASON_BYTES = 500;

/** The new status; the previous one, if that has ended the Run. */
export function toRunStatus(sighting: RunSighting): RunResourceStatus {
  const { previous, generation, nowMs, seen } = sighting;
  if (previous !== undefined && isLatched(previous, sighting.control))
    return { ...previous, observedGeneration: generation };
  const isTakenUp = seen === null && sighting.planProblem === null;
  const head =
    previous?.plan !== undefined && isTakenUp && !isEnded(previous.phase)
      ? previous
      : toHead(sighting);
  const claims = toClaims(sighting, head);
  return {
    ...head,
    observedGeneration: generation,
    conditions: toConditions(claims, {
      previous: previous?.conditions,
      generation,
      nowMs,
    }),
  };
}

/**
 * Whether the Run has come to its end for good: nothing is to be done for it any more.
 * @param control with the retries that are in effect.
 */
export function isLatched(
  status: RunResourceStatus,
  control: Pick<RunControl, "retriedAtMs">,
): boolean {
  if (!isEnded(status.phase)) return false;
  if (status.phase === "Succeeded") return true;
  const endedMs = Date.parse(status.finishedAt ?? "") || 0;
  return !Object.values(control.retriedAtMs).some((atMs) => atMs > endedMs);
}

/** Whether a Run in this phase has come to its end. */
export function isEnded(phase: RunResourcePhase): boolean {
  return phase === "Succeeded" || phase === "Failed" || phase === "Cancelled";
}

/** Whether it is worth a write: the order of keys, which the server changes, is none. */
export function isDifferent(
  a: RunResourceStatus | undefined,
  b: RunResourceStatus | undefined,
): boolean {
  return !isDeepStrictEqual(a, b);
}

type Head = Omit<RunResourceStatus, "conditions" | "observedGeneration">;

/** Everything but the conditions. */
function toHead(sighting: RunSighting): Head {
  const { previous, nowMs, seen, store, gpuHours } = sighting;
  const plan = sighting.receipt ?? previous?.plan;
  const phase = toPhase(sighting);
  return {
    phase,
    reason: cutReason(toReason(sighting, phase), MAX_REASON_BYTES),
    startedAt: previous?.startedAt ?? toTime(nowMs),
    ...(isEnded(phase) ? { finishedAt: toTime(nowMs) } : {}),
    ...(store === null ? {} : { store: store.url, storeRun: store.run }),
    ...(plan === undefined ? {} : { plan }),
    ...(seen === null ? {} : toDetails(seen)),
    gpuHours: gpuHours.toFixed(1),
  };
}

function toPhase({
  seen,
  planProblem,
  control,
}: RunSighting): RunResourcePhase {
  if (planProblem !== null) return "Failed";
  if (seen === null) return control.cancel ? "Cancelled" : "Planning";
  // An attempt that was started and has no place yet is nothing that runs.
  if (seen.phase === "Running" && waitingNote(seen) !== undefined)
    return seen.counts.Running === 0 ? "Pending" : "Running";
  return seen.phase;
}

function toReason(sighting: RunSighting, phase: RunResourcePhase): string {
  const { seen, planProblem } = sighting;
  if (planProblem !== null) return planProblem;
  if (seen === null)
    return phase === "Cancelled"
      ? "cancelled before it was planned"
      : "the pipeline is being planned";
  const waiting = waitingNote(seen);
  if (phase === "Pending") return waiting?.reason ?? seen.reason;
  if (phase !== "Running" || waiting === undefined) return seen.reason;
  return `${seen.reason}; '${waiting.task}' waits: ${waiting.reason}`;
}

function toDetails(
  seen: RunStatus,
): Pick<Head, "counts" | "done" | "stages" | "notes"> {
  const { total, cached, Succeeded, Running, Pending } = seen.counts;
  const counts: RunCounts = {
    total,
    succeeded: Succeeded,
    cached,
    running: Running,
    pending: Pending,
    failed: seen.counts.Failed,
    skipped: seen.counts.Skipped,
    cancelled: seen.counts.Cancelled,
  };
  return {
    counts,
    done: `${Succeeded}/${total}`,
    stages: seen.stages,
    notes: chooseNotes(seen.notes),
  };
}

/** Of 20 notes, how many each phase has for certain, if it has that many. */
const SHARES: Readonly<Record<string, number>> = {
  Failed: 10,
  Pending: 5,
  Running: 3,
  Skipped: 2,
};

/** Those that fit, in their order: each phase has its share, and what others leave. */
function chooseNotes(notes: RunStatus["notes"]): RunStatus["notes"] {
  const seen = new Map<string, number>();
  const ranked = notes.map((note, index) => {
    const place = (seen.get(note.phase) ?? 0) + 1;
    seen.set(note.phase, place);
    return { note, index, rank: place / (SHARES[note.phase] ?? 1) };
  });
  return ranked
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, bounds.notes)
    .sort((a, b) => a.index - b.index)
    .map(({ note }) => note);
}
