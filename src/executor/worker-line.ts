/**
 * One line of a worker's output → what it means. The format is the contract between `worker` and any executor
 * (docs/formats.md, "Worker output"): `{"level": "error", "code", "msg", "hint"}` ends a failed attempt,
 * `{"progress": {"step", "steps", "detail", "loader"}}` tells how far it is, and what it waits for. Anything else is text
 * for people.
 */
import type { TaskProgress } from "./executor.ts";

export type StageError = {
  readonly code: string | null;
  readonly message: string;
  readonly hint: string | null;
};

export type WorkerLine = {
  readonly error: StageError | null;
  readonly progress: Omit<TaskProgress, "task"> | null;
  /** The line itself, if no logger wrote it. */
  readonly text: string | null;
};

const nothing = { error: null, progress: null, text: null };

export function readWorkerLine(line: string): WorkerLine {
  if (!line.startsWith("{")) return { ...nothing, text: line };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Not JSON after all: a library printed something that begins like it. It is kept as text.
    return { ...nothing, text: line };
  }
  if (!isRecord(value)) return { ...nothing, text: line };
  return {
    error: toStageError(value),
    progress: toProgress(value["progress"]),
    text: null,
  };
}

function toStageError(value: Readonly<Record<string, unknown>>) {
  // pino's number for `error`, if its levels are not spelled out.
  if (value["level"] !== "error" && value["level"] !== 50) return null;
  return {
    code: textOf(value["code"]),
    message: textOf(value["msg"]) ?? "no message",
    hint: textOf(value["hint"]),
  };
}

function toProgress(value: unknown): WorkerLine["progress"] {
  if (!isRecord(value)) return null;
  const { step, steps, detail } = value;
  if (typeof step !== "number" || typeof steps !== "number") return null;
  const waiting = toWaiting(value["loader"]);
  return { step, steps, detail: textOf(detail) ?? "", waiting };
}

/** A loader that keeps up says that its bottleneck is the training. */
function toWaiting(value: unknown): TaskProgress["waiting"] {
  if (!isRecord(value)) return null;
  const { bottleneck, trainerWaitMs, wallMs } = value;
  if (typeof trainerWaitMs !== "number" || typeof wallMs !== "number")
    return null;
  return bottleneck === "storage" || bottleneck === "decode"
    ? { for: bottleneck, share: Math.min(1, trainerWaitMs / wallMs) }
    : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
