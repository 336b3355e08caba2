/**
 * What this driver knows of the attempts of its run: those of drivers before it, read once, and its own. An attempt
 * without an end that this process did not start was a dead driver's: its worker stops by itself, because its stdin
 * has closed, and so it is taken as stopped, not as failed.
 */
import type { AttemptObservation } from "../../run/observation.ts";
import { readAttempts, writeAttempts } from "../../store/runs/run-attempts.ts";
import type { Store } from "../../store/store.ts";

export type AttemptHistory = {
  /** In order of their numbers. */
  attemptsOf(task: string): readonly AttemptObservation[];
  /** Tasks whose last attempt was under way when the driver before this one died. */
  readonly orphans: ReadonlySet<string>;
  /** `begin` and `end` show in `attemptsOf` at once, and resolve when they are written. */
  begin(task: string, number: number, startedAtMs: number): Promise<void>;
  end(task: string, end: NonNullable<AttemptObservation["end"]>): Promise<void>;
};

/** @param options.nowMs when the attempts of a dead driver are taken to have ended. */
export async function openAttemptHistory(options: {
  readonly store: Store;
  readonly run: string;
  readonly nowMs: number;
}): Promise<AttemptHistory> {
  const { store, run, nowMs } = options;
  const history = new Map<string, readonly AttemptObservation[]>();
  const orphans = new Set<string>();
  for (const [task, attempts] of await readAttempts(store, run)) {
    if (attempts.at(-1)?.end === null) orphans.add(task);
    history.set(task, closeOrphan(attempts, nowMs));
  }

  const writing = new Map<string, Promise<void>>();
  /** In order: the next attempt may begin while the end of the last one is still being written. */
  const write = (
    task: string,
    attempts: readonly AttemptObservation[],
  ): Promise<void> => {
    history.set(task, attempts);
    const put = (): Promise<void> =>
      writeAttempts(store, { run, task, attempts });
    // A write that failed was thrown to its own caller; this one contains all that it said.
    const next = writing.get(task)?.then(put, put) ?? put();
    writing.set(task, next);
    return next;
  };
  const attemptsOf = (task: string): readonly AttemptObservation[] =>
    history.get(task) ?? [];

  return {
    attemptsOf,
    orphans,
    begin: (task, number, startedAtMs) =>
      write(task, [...attemptsOf(task), { number, startedAtMs, end: null }]),
    end: (task, end) => {
      const attempts = attemptsOf(task);
      const last = attempts.at(-1);
      if (!last) throw new Error(`no attempt of '${task}' has begun`);
      return write(task, [...attempts.slice(0, -1), { ...last, end }]);
    },
  };
}

function closeOrphan(
  attempts: readonly AttemptObservation[],
  nowMs: number,
): readonly AttemptObservation[] {
  const last = attempts.at(-1);
  if (last === undefined || last.end !== null) return attempts;
  const end = {
    atMs: nowMs,
    exitCode: null,
    cause: "stopped-by-us",
    reason: "its driver ended",
  } as const;
  return [...attempts.slice(0, -1), { ...last, end }];
}
