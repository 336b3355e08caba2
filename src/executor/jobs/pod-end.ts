/**
 * How a pod came to its end → what is recorded of the attempt: exit code, cause, and a reason that a person can act on
 * (invariant G). Pure.
 */
import type { Resources } from "../../plan/plan.ts";
import type { AttemptObservation, EndCause } from "../../run/observation.ts";
import {
  explainError,
  explainOutOfMemory,
  explainTail,
} from "../last-words.ts";
import { readWorkerLine, type StageError } from "../worker-line.ts";
import { conditionOf, timeOf, workerOf, type Pod } from "./job.ts";

export type AttemptEnd = NonNullable<AttemptObservation["end"]>;

const TAIL_LINES = 5;
/** The taint manager deletes the pods of a node that does not answer. */
const NODE_GONE = ["DeletionByTaintManager", "NodeLost"];

/** Null: the pod has not ended. @param nowMs for a pod that does not say when. */
export function toPodEnd(
  pod: Pod,
  resources: Resources,
  nowMs: number,
): AttemptEnd | null {
  const phase = pod.status?.phase;
  if (phase !== "Succeeded" && phase !== "Failed") return null;
  const { terminated } = workerOf(pod)?.state ?? {};
  const atMs = timeOf(terminated?.finishedAt, nowMs);
  if (phase === "Succeeded")
    return { atMs, exitCode: 0, cause: null, reason: "" };
  const exitCode = terminated?.exitCode ?? null;
  const said = readLastWords(terminated?.message ?? "");
  const cause = causeOf(pod, said);
  const reason = reasonOf(pod, { cause, said, resources });
  return { atMs, exitCode, cause, reason };
}

type LastWords = {
  readonly error: StageError | null;
  readonly tail: readonly string[];
};

/** The end of the container's log, as the kubelet keeps it: at most 2 KiB, so that its first line may be cut. */
function readLastWords(message: string): LastWords {
  const lines = message.split("\n").map(readWorkerLine);
  const error = lines.findLast((line) => line.error !== null)?.error ?? null;
  const tail = lines
    .flatMap(({ text }) => (text?.trim() ? [text] : []))
    .slice(-TAIL_LINES);
  return { error: error ?? readCutError(message), tail };
}

/** A bug's line may be longer than what is kept, since its stack is in it; the message stands at its end. */
function readCutError(message: string): StageError | null {
  const found = /"msg":("(?:[^"\\]|\\.)*")\}\s*$/.exec(message);
  if (found?.[1] === undefined || message.trimStart().startsWith("{"))
    return null;
  return {
    code: null,
    message: JSON.parse(found[1]) as string,
    hint: null,
  };
}

function causeOf(pod: Pod, { error, tail }: LastWords): EndCause | null {
  const { terminated } = workerOf(pod)?.state ?? {};
  const isHeapFull =
    terminated?.exitCode === 134 &&
    tail.some((line) => line.includes("heap out of memory"));
  if (terminated?.reason === "OOMKilled" || isHeapFull) return "out-of-memory";
  if (error?.code === "worker.deadline") return "deadline";
  if (pod.status?.reason === "DeadlineExceeded") return "deadline";
  const disruption = conditionOf(pod, "DisruptionTarget");
  const why =
    disruption?.status === "True" ? disruption.reason : pod.status?.reason;
  if (why !== undefined && NODE_GONE.includes(why)) return "lost";
  if (disruption?.status === "True" || pod.status?.reason === "Evicted")
    return "evicted";
  if (error?.code?.startsWith("claim.")) return "claim";
  // A node that refused the pod: the worker has never begun.
  if (terminated === undefined && pod.status?.reason) return "evicted";
  return null;
}

function reasonOf(
  pod: Pod,
  end: {
    readonly cause: EndCause | null;
    readonly said: LastWords;
    readonly resources: Resources;
  },
): string {
  const { cause, said, resources } = end;
  const { terminated } = workerOf(pod)?.state ?? {};
  if (cause === "out-of-memory") return explainOutOfMemory(resources, null);
  if (cause === "evicted" || cause === "lost") return explainDisruption(pod);
  if (said.error !== null) return explainError(said.error);
  if (cause === "deadline")
    return "over its time limit; raise 'timeout' of the stage";
  if (terminated === undefined) return "its pod failed before it could begin";
  const { exitCode, reason } = terminated;
  const how = reason && reason !== "Error" ? ` (${reason})` : "";
  return `ended with exit code ${exitCode}${how}${explainTail(said.tail)}`;
}

function explainDisruption(pod: Pod): string {
  const condition = conditionOf(pod, "DisruptionTarget");
  const { status } = pod;
  const reason = condition?.reason ?? status?.reason ?? "evicted";
  const message = status?.message ?? condition?.message;
  const node = pod.spec?.nodeName ? ` from node ${pod.spec.nodeName}` : "";
  const what = `its pod was taken${node} (${reason})`;
  return message ? `${what}: ${message.trim()}` : what;
}
