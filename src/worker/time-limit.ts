/**
 * The time limit of a task, kept by its worker where nobody else does: it stops as it would for anyone, after a checkpoint,
 * and says that the limit was why, so that it is not taken for a stop that does not count.
 */
import type { Clock } from "../base/clock.ts";
import { StoppedError, UserError } from "../base/errors.ts";

export type TimeLimit = {
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  /** Does the work; a stop for the limit becomes `worker.deadline` (UserError). */
  explain<T>(work: () => Promise<T>): Promise<T>;
};

/** @param limitMs null: there is none. */
export function createTimeLimit(
  limitMs: number | null,
  options: { readonly clock: Clock; readonly over: AbortSignal },
): TimeLimit {
  const { clock, over } = options;
  const reached = new AbortController();
  if (limitMs !== null)
    void clock.sleep(limitMs, over).then(() => {
      if (!over.aborted) reached.abort("its time is over");
    });
  return {
    signal: reached.signal,
    async explain(work) {
      try {
        return await work();
      } catch (thrown) {
        if (!reached.signal.aborted || !(thrown instanceof StoppedError))
          throw thrown;
        throw new UserError({
          code: "worker.deadline",
          message: `over its time limit of ${(limitMs ?? 0) / 1000} s`,
          hint: "raise 'timeout' of the stage",
          cause: thrown,
        });
      }
    },
  };
}
