/** What the conditions of a Run say; their meaning is told in `run-status.ts`. */
import type { RunStatus, TaskNote } from "../run/status.ts";
import { cutReason } from "../run/to-notes.ts";
import { conditionOf, type Claim } from "./conditions.ts";
import type { ConditionType, RunResourceStatus } from "./run-resource.ts";
import type { RunSighting } from "./run-status.ts";

const MAX_MESSAGE_BYTES = 500;

type RunClaim = Claim<ConditionType>;
type Head = Pick<RunResourceStatus, "phase" | "reason" | "plan" | "counts">;

/** One claim for each type, always in the same order. */
export function toClaims(
  sighting: RunSighting,
  head: Head,
): readonly RunClaim[] {
  return [
    planned(sighting, head),
    admitted(sighting, head),
    progressing(sighting, head),
    suspended(sighting, head),
    degraded(sighting, head),
    ended("Succeeded", head),
    ended("Failed", head),
  ].map((claim) => ({
    ...claim,
    message: cutReason(claim.message, MAX_MESSAGE_BYTES),
  }));
}

function claim(
  type: ConditionType,
  isSo: boolean,
  reason: string,
  message: string,
): RunClaim {
  return { type, status: isSo ? "True" : "False", reason, message };
}

function planned({ planProblem }: RunSighting, { plan }: Head): RunClaim {
  if (planProblem !== null)
    return claim("Planned", false, "PlanFailed", planProblem);
  if (plan === undefined)
    return claim("Planned", false, "Planning", "the pipeline is being planned");
  const { tasks, cached, shared } = plan;
  const message = `${tasks} tasks: ${cached} found in the store, ${shared} computed by others, ${tasks - cached - shared} to compute`;
  return claim("Planned", true, "Planned", message);
}

function admitted(sighting: RunSighting, { phase, counts }: Head): RunClaim {
  if ((counts?.running ?? 0) > 0)
    return claim("Admitted", true, "TasksRun", "pods work on tasks");
  if (phase === "Pending")
    return claim("Admitted", false, "Waiting", why(sighting));
  if (phase === "Suspended")
    return claim("Admitted", false, "Suspended", "nothing is to run");
  // Between two tasks, and at the end: as it was.
  const before = conditionOf(sighting.previous?.conditions, "Admitted");
  if (before !== undefined) return toClaim(before);
  return claim(
    "Admitted",
    false,
    "NotStarted",
    "no pod has worked on a task yet",
  );
}

function why({ seen }: RunSighting): string {
  if (seen === null) return "";
  const note = waitingNote(seen);
  return note === undefined ? seen.reason : `'${note.task}': ${note.reason}`;
}

/** The first task that waits for something else than its inputs. */
export function waitingNote(seen: RunStatus): TaskNote | undefined {
  return seen.notes.find(({ phase }) => phase === "Pending");
}

function toClaim({ type, status, reason, message }: RunClaim): RunClaim {
  return { type, status, reason, message };
}

function progressing({ control }: RunSighting, head: Head): RunClaim {
  const { phase, reason } = head;
  switch (phase) {
    case "Planning":
    case "Running":
      return claim("Progressing", true, phase, "");
    case "Pending":
      return control.hold
        ? claim("Progressing", false, "Held", control.hold)
        : claim("Progressing", false, "Waiting", reason);
    case "Suspended":
      return claim("Progressing", false, "Suspended", reason);
    case "Succeeded":
    case "Failed":
    case "Cancelled":
      return claim("Progressing", false, "Finished", "it has come to its end");
  }
}

function suspended(
  { control }: RunSighting,
  { phase, counts }: Head,
): RunClaim {
  const asked = control.suspend ?? null;
  if (phase === "Suspended")
    return claim("Suspended", true, "Suspended", asked ?? "");
  if (asked === null || phase !== "Running")
    return claim("Suspended", false, "NotSuspended", "");
  const message = `${counts?.running ?? 0} tasks save a checkpoint and stop`;
  return claim("Suspended", false, "Stopping", message);
}

function degraded({ hindrances }: RunSighting, head: Head): RunClaim {
  const failed = head.counts?.failed ?? 0;
  const isOver = head.phase === "Failed" || head.phase === "Cancelled";
  const all =
    failed > 0 && !isOver
      ? [
          ...hindrances,
          { reason: "TasksFailed", message: `${failed} tasks have failed` },
        ]
      : hindrances;
  const [first] = all;
  if (first === undefined) return claim("Degraded", false, "AsExpected", "");
  const messages = all.map(({ message }) => message).join("; ");
  return claim("Degraded", true, first.reason, messages);
}

function ended(type: "Succeeded" | "Failed", head: Head): RunClaim {
  const { phase, reason } = head;
  const isSo = phase === type || (type === "Failed" && phase === "Cancelled");
  switch (phase) {
    case "Succeeded":
    case "Failed":
    case "Cancelled":
      return claim(type, isSo, phase, reason);
    case "Planning":
    case "Pending":
    case "Running":
    case "Suspended":
      return claim(type, false, "NotFinished", "");
  }
}
