/**
 * The two classes of error that people meet, and the exit codes that carry them between processes.
 *
 * `UserError`: somebody can mend it (a file, an option, a machine). Code, message and hint are shown, no stack.
 * `TransientError`: the same thing may work later (store, network, a lost claim). The caller tries again.
 * Anything else that is thrown is a bug and shows its stack.
 *
 * The exit codes are the contract between a worker and any executor (docs/design.md, "Exit codes"; the
 * numbers below 128 are those of sysexits.h).
 */

export const ExitCode = {
  done: 0,
  /** Wrong command line. */
  usage: 64,
  /** Bad parameters or data: trying again cannot help. */
  data: 65,
  /** Uncaught error: a few more tries. */
  bug: 70,
  /** Store, network, lost claim: try again with back-off. */
  temporary: 75,
  /** Killed (128 + SIGKILL): out of memory if the cause says so. */
  killed: 137,
  /** Told to stop, checkpoint saved (128 + SIGTERM): resume, not counted. */
  stopped: 143,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export type UserErrorOptions = {
  /** Stable, dotted, e.g. `store.read-only`. */
  readonly code: string;
  /** What was expected, what was found, where. */
  readonly message: string;
  /** The next thing to try. */
  readonly hint?: string;
  readonly exitCode?: typeof ExitCode.usage | typeof ExitCode.data;
  readonly cause?: unknown;
};

export class UserError extends Error {
  override readonly name = "UserError";
  readonly code: string;
  readonly hint: string | null;
  readonly exitCode: ExitCode;

  constructor(options: UserErrorOptions) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
    this.hint = options.hint ?? null;
    this.exitCode = options.exitCode ?? ExitCode.data;
  }
}

export type TransientErrorOptions = {
  readonly code: string;
  readonly message: string;
  /** When to try again, if the other party said so. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
};

export class TransientError extends Error {
  override readonly name = "TransientError";
  readonly code: string;
  readonly retryAfterMs: number | null;

  constructor(options: TransientErrorOptions) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Thrown by work that was told to stop and has saved what it had: ends a worker with 143. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
}

/** What a `catch` received, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error(`not an Error was thrown: ${String(thrown)}`);
}

/** The exit code that a thrown value means. */
export function toExitCode(thrown: unknown): ExitCode {
  if (thrown instanceof UserError) return thrown.exitCode;
  if (thrown instanceof TransientError) return ExitCode.temporary;
  if (thrown instanceof StoppedError) return ExitCode.stopped;
  return ExitCode.bug;
}

/** The system's error code (`ENOENT`, `ENOSPC`, …) of a thrown value, or null. */
export function systemCode(thrown: unknown): string | null {
  if (
    thrown instanceof Error &&
    "code" in thrown &&
    typeof thrown.code === "string"
  )
    return thrown.code;
  return null;
}
