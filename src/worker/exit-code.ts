/**
 * How a worker ends: a thrown value → the exit code of the contract (docs/design.md, "Exit codes") and one last log
 * line `{level: "error", code, msg, hint}`, from which the executor takes the reason of the attempt (invariant G).
 */
import {
  type ExitCode,
  StoppedError,
  toError,
  toExitCode,
  TransientError,
  UserError,
} from "../base/errors.ts";
import type { Logger } from "../base/log.ts";

/** Logs why the task was not done, once, and says what the process ends with. */
export function reportFailure(thrown: unknown, log: Logger): ExitCode {
  const error = toError(thrown);
  if (error instanceof StoppedError)
    log.error({ code: "worker.stopped", hint: null }, error.message);
  else if (error instanceof UserError)
    log.error({ code: error.code, hint: error.hint }, error.message);
  else if (error instanceof TransientError)
    log.error({ code: error.code, hint: null }, error.message);
  else
    log.error(
      { code: "worker.bug", hint: null, stack: error.stack },
      `${error.name}: ${error.message}`,
    );
  return toExitCode(error);
}

/**
 * Why a stage ended early, given who told it to stop: it may end with its own StoppedError, or with the abort error
 * of whatever it was waiting for, and both mean the same.
 * @param lost why the claim is not ours any more; null: it is, so that the order to stop came from outside.
 */
export function toCauseOfEnd(
  thrown: unknown,
  signal: AbortSignal,
  lost: Error | null,
): unknown {
  if (!signal.aborted || !isAbort(thrown)) return thrown;
  if (lost !== null) return lost;
  return thrown instanceof StoppedError
    ? thrown
    : new StoppedError(`told to stop (${describe(signal.reason)})`, {
        cause: thrown,
      });
}

function isAbort(thrown: unknown): boolean {
  return (
    thrown instanceof StoppedError ||
    (thrown instanceof Error && thrown.name === "AbortError")
  );
}

function describe(reason: unknown): string {
  return typeof reason === "string" ? reason : toError(reason).message;
}
