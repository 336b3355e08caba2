/**
 * The executor of this machine: a worker process per attempt, bounded by the cores, memory and GPUs that it is given.
 *
 * Attempts are snapshotted before manifests are looked at, so that an attempt which ended well is never seen without
 * its manifest. Right before an attempt would start, its key is looked up once more: if somebody has committed it, or
 * lives and computes it, no process is wasted, and the next observation says so.
 *
 * Refuses: to decide anything (that is `reconcile`), and to start a task twice (`apply` may be repeated).
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Plan } from "../../plan/plan.ts";
import { describeTask } from "../../plan/task-description.ts";
import type {
  Observation,
  RunControl,
  TaskObservation,
} from "../../run/observation.ts";
import type { Action } from "../../run/status.ts";
import { resourcesAfter } from "../../run/task-memory.ts";
import type { Store } from "../../store/store.ts";
import { openAttemptHistory } from "./attempt-history.ts";
import { clearLeftovers } from "./clear-leftovers.ts";
import type { Executor } from "../executor.ts";
import { createKeyWatch } from "../key-watch.ts";
import { createLocalAttempts } from "./local-attempts.ts";
import { createMemoryProbe, type MemoryProbe } from "./process-memory.ts";
import { createSignalFlag } from "../signal-flag.ts";
import { createTaskIndex } from "../task-index.ts";

/** Time for a checkpoint after SIGTERM; the same as a pod's default. */
const DEFAULT_GRACE_MS = 30_000;

export type LocalExecutorOptions = {
  readonly store: Store;
  readonly run: string;
  /** What starts a worker; `--store URL --run RUN --task TASK --grace TIME` is added. */
  readonly command: readonly string[];
  readonly capacity: NonNullable<Observation["capacity"]>;
  /** Who computes the key at this moment, for people to read; null: nobody. */
  readonly findHolder: (key: string) => Promise<string | null>;
  readonly readControl: () => Promise<RunControl>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  readonly memory?: MemoryProbe;
};

/** Opens the executor of a run; the caller holds the run's lease. */
export async function openLocalExecutor(
  options: LocalExecutorOptions,
): Promise<Executor> {
  const { store, run, clock } = options;
  const flag = createSignalFlag();
  const history = await openAttemptHistory({ store, run, nowMs: clock.now() });
  const keys = createKeyWatch(options);
  const attempts = createLocalAttempts({
    ...options,
    history,
    graceMs: options.graceMs ?? DEFAULT_GRACE_MS,
    memory: options.memory ?? createMemoryProbe(),
    onEnding: ({ key }) => {
      keys.doubt(key);
    },
    onEnded: () => {
      flag.raise();
    },
  });
  const byNameOf = createTaskIndex();
  /** What was in the store when this driver came: none of its doing, whoever tried before. */
  let foundAtFirst: ReadonlySet<string> | null = null;

  const findAtFirst = async (plan: Plan): Promise<ReadonlySet<string>> => {
    const found = plan.tasks.filter(({ key }) => keys.isCommitted(key));
    for (const { name, key } of found)
      if (history.orphans.has(name)) await clearLeftovers(options, key);
    return new Set(found.map(({ key }) => key));
  };

  const start = async (
    plan: Plan,
    name: string,
    attempt: number,
  ): Promise<void> => {
    const byName = byNameOf(plan);
    const task = byName.get(name);
    if (task === undefined) throw new Error(`the plan has no task '${name}'`);
    const last = history.attemptsOf(name).at(-1);
    if (attempts.has(name) || (last?.number ?? 0) >= attempt) return;
    if (!(await keys.isTaken(task.key)))
      await attempts.start(
        describeTask({
          plan,
          byName,
          run,
          task: {
            ...task,
            resources: resourcesAfter(task.resources, history.attemptsOf(name)),
          },
        }),
        attempt,
      );
    // Either way there is something new to see.
    flag.raise();
  };

  return {
    async observe(plan) {
      const failure = attempts.takeFailure();
      if (failure !== null) throw failure.thrown;
      const control = await options.readControl();
      const snapshot = plan.tasks.map(({ name }) => history.attemptsOf(name));
      await keys.look(plan.tasks.map(({ key }) => key));
      const found = (foundAtFirst ??= await findAtFirst(plan));
      const tasks = new Map<string, TaskObservation>();
      for (const [index, { name, key }] of plan.tasks.entries())
        tasks.set(name, {
          task: name,
          committed: keys.isCommitted(key),
          heldBy: keys.holderOf(key),
          attempts: found.has(key) ? [] : (snapshot[index] ?? []),
        });
      return { tasks, capacity: options.capacity, control };
    },
    async apply(plan: Plan, actions: readonly Action[]) {
      for (const action of actions)
        if (action.kind === "start")
          await start(plan, action.task, action.attempt);
        else attempts.stop(action.task, action);
    },
    changed: (signal) => flag.wait(signal),
    progress: () => attempts.progress(),
    async close() {
      await attempts.stopAll({
        cause: "stopped-by-us",
        reason: "the driver was stopped",
      });
      const failure = attempts.takeFailure();
      if (failure !== null) throw failure.thrown;
    },
  };
}
