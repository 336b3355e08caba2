/**
 * Ends of attempts that were no successes, in the store: a Job that is gone, by its time to live, by hand or with its
 * cluster, leaves its task failed (F). A success needs no record: the manifest is one (A).
 */
import type { AttemptObservation } from "../../run/observation.ts";
import { readAttempts, writeAttempts } from "../../store/runs/run-attempts.ts";
import type { Store } from "../../store/store.ts";
import type { AttemptEnd } from "../jobs/pod-end.ts";

export type EndedAttempt = AttemptObservation & { readonly end: AttemptEnd };

export type EndedAttempts = {
  /** In order of their numbers. */
  of(task: string): readonly EndedAttempt[];
  has(task: string, number: number): boolean;
  /** Written down when it resolves. One that is there already stays as it is. */
  add(task: string, attempt: EndedAttempt): Promise<void>;
};

export async function openEndedAttempts(options: {
  readonly store: Store;
  readonly run: string;
}): Promise<EndedAttempts> {
  const { store, run } = options;
  const ended = new Map<string, readonly EndedAttempt[]>();
  for (const [task, attempts] of await readAttempts(store, run))
    ended.set(task, attempts.filter(hasEnded));
  const of = (task: string): readonly EndedAttempt[] => ended.get(task) ?? [];
  const has = (task: string, number: number): boolean =>
    of(task).some((attempt) => attempt.number === number);
  return {
    of,
    has,
    async add(task, { number, startedAtMs, end }) {
      if (has(task, number)) return;
      const attempts = [...of(task), { number, startedAtMs, end }].toSorted(
        (a, b) => a.number - b.number,
      );
      await writeAttempts(store, { run, task, attempts });
      ended.set(task, attempts);
    },
  };
}

export function hasEnded(attempt: AttemptObservation): attempt is EndedAttempt {
  return attempt.end !== null;
}
