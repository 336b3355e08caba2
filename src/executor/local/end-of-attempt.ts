/**
 * How a worker process ended → what is recorded of its attempt: exit code, cause, and a reason that a person can act
 * on (invariant G). Pure.
 */
import { constants } from "node:os";
import type { Resources } from "../../plan/plan.ts";
import type { AttemptObservation, EndCause } from "../../run/observation.ts";
import {
  explainError,
  explainOutOfMemory,
  explainTail,
} from "../last-words.ts";
import type { StageError } from "../worker-line.ts";

export type ProcessEnd = {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The process could not be started at all: what the system said. */
  readonly spawnError: string | null;
  readonly lastError: StageError | null;
  readonly tail: readonly string[];
  readonly peakBytes: number | null;
  /** The kernel killed some process for memory while this one ended; null: the system does not tell. */
  readonly oomKill: boolean | null;
};

export type StopRequest = {
  readonly cause: "deadline" | "stopped-by-us";
  readonly reason: string;
};

export function toAttemptEnd(options: {
  readonly end: ProcessEnd;
  readonly stop: StopRequest | null;
  readonly resources: Resources;
  readonly atMs: number;
}): NonNullable<AttemptObservation["end"]> {
  const { end, stop, resources, atMs } = options;
  const exitCode = exitCodeOf(end);
  if (exitCode === 0) return { atMs, exitCode, cause: null, reason: "" };
  const cause = causeOf(end, stop);
  return {
    atMs,
    exitCode,
    cause,
    reason: reasonOf(end, cause, stop, resources),
  };
}

/** As a shell tells it: 128 + the number of the signal. */
function exitCodeOf({ exitCode, signal }: ProcessEnd): number | null {
  if (signal !== null) return 128 + constants.signals[signal];
  return exitCode;
}

function causeOf(end: ProcessEnd, stop: StopRequest | null): EndCause | null {
  if (isHeapExhausted(end)) return "out-of-memory";
  // What it died of on the way out matters only if it was not asked to go.
  if (stop !== null) return stop.cause;
  if (end.signal === "SIGKILL" && end.oomKill === true) return "out-of-memory";
  if (end.lastError?.code?.startsWith("claim.")) return "claim";
  return null;
}

function isHeapExhausted({ signal, exitCode, tail }: ProcessEnd): boolean {
  const aborted = signal === "SIGABRT" || exitCode === 134;
  return aborted && tail.some((line) => line.includes("heap out of memory"));
}

function reasonOf(
  end: ProcessEnd,
  cause: EndCause | null,
  stop: StopRequest | null,
  resources: Resources,
): string {
  if (cause === "out-of-memory")
    return explainOutOfMemory(resources, end.peakBytes);
  if (stop !== null) return stop.reason;
  if (end.spawnError !== null)
    return `the worker process could not be started: ${end.spawnError}`;
  if (end.signal === "SIGKILL")
    return `killed by SIGKILL; if nobody killed it, it ran ${explainOutOfMemory(resources, end.peakBytes)}`;
  if (end.signal !== null)
    return `ended by ${end.signal}${explainTail(end.tail)}`;
  if (end.lastError === null)
    return `ended with exit code ${end.exitCode}${explainTail(end.tail)}`;
  return explainError(end.lastError);
}
