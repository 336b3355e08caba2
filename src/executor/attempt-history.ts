/**
 * The attempts of a run on this machine, kept in the store beside the run (one small object per task), so that counts
 * and reasons survive the driver. One writer: the driver that holds the run's lease. What it says of ended attempts is
 * fact; an attempt without an end that this process did not start was a dead driver's, and has been stopped with it.
 */
import { mapBounded } from "../base/async.ts";
import { UserError } from "../base/errors.ts";
import type { AttemptObservation } from "../run/observation.ts";
import { layout } from "../store/layout.ts";
import type { Store } from "../store/store.ts";

const READS_AT_ONCE = 16;

export type AttemptHistory = {
  /** In order of their numbers. */
  attemptsOf(task: string): readonly AttemptObservation[];
  tasks(): Iterable<string>;
  begin(task: string, number: number, startedAtMs: number): Promise<void>;
  end(task: string, end: NonNullable<AttemptObservation["end"]>): Promise<void>;
};

/** Reads what is known of a run; `nowMs` is when the attempts of a dead driver are taken to have ended. */
export async function openAttemptHistory(options: {
  readonly store: Store;
  readonly run: string;
  readonly nowMs: number;
}): Promise<AttemptHistory> {
  const { store, run, nowMs } = options;
  const prefix = `${layout.run(run)}attempts/`;
  const pathOf = (task: string): string => `${prefix}${task}.json`;
  const history = new Map<string, readonly AttemptObservation[]>();

  const paths: string[] = [];
  for await (const { path } of store.list(prefix)) paths.push(path);
  await mapBounded(paths, READS_AT_ONCE, async (path) => {
    const bytes = await store.read(path);
    if (bytes === null) return;
    const task = path.slice(prefix.length, -".json".length);
    history.set(task, closeOrphan(parseAttempts(path, bytes), nowMs));
  });

  const write = async (
    task: string,
    attempts: readonly AttemptObservation[],
  ): Promise<void> => {
    history.set(task, attempts);
    await store.put(pathOf(task), Buffer.from(JSON.stringify({ attempts })));
  };
  const attemptsOf = (task: string): readonly AttemptObservation[] =>
    history.get(task) ?? [];

  return {
    attemptsOf,
    tasks: () => history.keys(),
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

function parseAttempts(
  path: string,
  bytes: Uint8Array,
): readonly AttemptObservation[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof value === "object" && value !== null && "attempts" in value) {
      const { attempts } = value;
      if (Array.isArray(attempts) && attempts.every(isAttempt)) return attempts;
    }
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
  }
  throw new UserError({
    code: "run.attempts-corrupt",
    message: `expected the attempts of a task in '${path}', found something else`,
    hint: "remove the object: the task is then counted as never tried",
  });
}

function isAttempt(value: unknown): value is AttemptObservation {
  return (
    typeof value === "object" &&
    value !== null &&
    "number" in value &&
    typeof value.number === "number" &&
    "startedAtMs" in value &&
    typeof value.startedAtMs === "number" &&
    "end" in value &&
    typeof value.end === "object"
  );
}
