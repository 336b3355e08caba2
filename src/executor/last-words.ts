/** The reason of a failed attempt, from what its worker said last: a sentence that a person can act on (invariant G). */
import type { Resources } from "../plan/plan.ts";
import { gibibytes } from "../run/capacity.ts";
import type { StageError } from "./worker-line.ts";

/** @param peakBytes null: nobody saw how much it was. */
export function explainOutOfMemory(
  { memoryBytes }: Resources,
  peakBytes: number | null,
): string {
  const seen = peakBytes === null ? "" : `, peak seen ${gibibytes(peakBytes)}`;
  return `out of memory (declared ${gibibytes(memoryBytes)}${seen}); declare more under 'resources.memory' of the stage, or as its 'resources.memoryMax', or make its batches smaller`;
}

export function explainError({ message, hint }: StageError): string {
  return hint === null ? message : `${message}; ${hint}`;
}

/** @param tail the last lines that no logger wrote. */
export function explainTail(tail: readonly string[]): string {
  return tail.length === 0
    ? " without a word"
    : `; its last words: ${tail.join(" | ")}`;
}
