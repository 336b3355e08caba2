/**
 * An executor whose attempts are decided by a script instead of being computed: for tests of the loop, and, since it
 * passes the same suite as the real ones, the plainest statement of what an executor does.
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Executor } from "../../src/executor/executor.ts";
import { createSignalFlag } from "../../src/executor/signal-flag.ts";
import type {
  AttemptObservation,
  EndCause,
  Observation,
  RunControl,
} from "../../src/run/observation.ts";
import { noControl } from "../../src/run/observation.ts";

export type FakeEnd = {
  readonly exitCode: number | null;
  readonly cause?: EndCause;
  readonly reason?: string;
};

export type FakeExecutor = Executor & {
  /** Every attempt that was started: `task#number`. */
  readonly started: readonly string[];
  readonly isClosed: () => boolean;
  /** Ends the running attempt of a task. */
  end(task: string, end: FakeEnd): void;
};

export function createFakeExecutor(options: {
  readonly clock: Clock;
  /** How an attempt ends, at once; null: it runs until it is stopped or `end` is called. */
  readonly script: (task: string, attempt: number) => FakeEnd | null;
  readonly capacity?: Observation["capacity"];
  readonly control?: () => RunControl | Promise<RunControl>;
  readonly heldBy?: (task: string) => string | null;
}): FakeExecutor {
  const { clock, script } = options;
  const attempts = new Map<string, AttemptObservation[]>();
  const committed = new Set<string>();
  const started: string[] = [];
  const flag = createSignalFlag();
  let isClosed = false;

  const finish = (task: string, end: FakeEnd): void => {
    const all = attempts.get(task) ?? [];
    const last = all.at(-1);
    if (last === undefined || last.end !== null) return;
    const { exitCode, cause = null, reason = `exit code ${exitCode}` } = end;
    all[all.length - 1] = {
      ...last,
      end: { atMs: clock.now(), exitCode, cause, reason },
    };
    if (exitCode === 0) committed.add(task);
    flag.raise();
  };

  return {
    started,
    isClosed: () => isClosed,
    end: finish,
    async observe(plan) {
      const tasks = plan.tasks.map(({ name: task }) => {
        const isCommitted = committed.has(task);
        const heldBy = isCommitted ? null : (options.heldBy?.(task) ?? null);
        const seen = [...(attempts.get(task) ?? [])];
        return [
          task,
          { task, committed: isCommitted, heldBy, attempts: seen },
        ] as const;
      });
      return {
        tasks: new Map(tasks),
        capacity: options.capacity ?? null,
        control: (await options.control?.()) ?? noControl,
      };
    },
    async apply(_plan, actions) {
      for (const action of actions) {
        if (action.kind === "stop") {
          finish(action.task, { exitCode: 143, ...action });
          continue;
        }
        const { task, attempt: number } = action;
        const all = attempts.get(task) ?? [];
        attempts.set(task, all);
        if ((all.at(-1)?.number ?? 0) >= number) continue;
        if (options.heldBy?.(task)) continue;
        all.push({ number, startedAtMs: clock.now(), end: null });
        started.push(`${task}#${number}`);
        const end = script(task, number);
        if (end !== null) finish(task, end);
        flag.raise();
      }
    },
    changed: (signal) => flag.wait(signal),
    progress: () => [],
    async close() {
      isClosed = true;
      for (const task of attempts.keys())
        finish(task, { exitCode: 143, cause: "stopped-by-us" });
    },
  };
}
