/**
 * The worker processes that this driver has started: from the moment a process starts until its end is in the history,
 * so that nobody starts a second one in between.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Task } from "../../plan/plan.ts";
import type { TaskDescription } from "../../plan/task-description.ts";
import { layout } from "../../store/layout.ts";
import { writeTaskDescription } from "../../store/runs/run-records.ts";
import type { Store } from "../../store/store.ts";
import type { AttemptHistory } from "./attempt-history.ts";
import { clearLeftovers } from "./clear-leftovers.ts";
import { toAttemptEnd, type StopRequest } from "./end-of-attempt.ts";
import type { TaskProgress } from "../executor.ts";
import { openRunLog } from "../../store/runs/run-log.ts";
import type { MemoryProbe } from "./process-memory.ts";
import { startWorkerProcess, type WorkerProcess } from "./worker-process.ts";

export type LocalAttemptsOptions = {
  readonly store: Store;
  readonly run: string;
  readonly command: readonly string[];
  readonly graceMs: number;
  readonly memory: MemoryProbe;
  readonly clock: Clock;
  readonly log: Logger;
  readonly history: AttemptHistory;
  /** Called before the history tells that an attempt has ended: from now on its manifest may be there. */
  readonly onEnding: (task: Task) => void;
  /** Called when an attempt has ended and there is room again. */
  readonly onEnded: () => void;
};

export type LocalAttempts = {
  has(task: string): boolean;
  start(description: TaskDescription, attempt: number): Promise<void>;
  stop(task: string, request: StopRequest): void;
  progress(): readonly TaskProgress[];
  /** What went wrong while an end was written down, once; null: nothing. */
  takeFailure(): { readonly thrown: unknown } | null;
  /** Stops all and waits for their ends. */
  stopAll(request: StopRequest): Promise<void>;
};

export function createLocalAttempts(
  options: LocalAttemptsOptions,
): LocalAttempts {
  const { store, run, history, clock } = options;
  const working = new Map<string, WorkerProcess>();
  const ends = new Set<Promise<void>>();
  let failure: { readonly thrown: unknown } | null = null;

  const finish = async (task: Task, process: WorkerProcess): Promise<void> => {
    const end = toAttemptEnd({
      end: await process.ended,
      stop: process.stopRequest(),
      resources: task.resources,
      atMs: clock.now(),
    });
    // Without a pause between them: who sees the end also sees that there is room, and asks for the manifest.
    options.onEnding(task);
    working.delete(task.name);
    await history.end(task.name, end);
    if (end.exitCode !== 0) await clearLeftovers(options, task.key);
  };

  return {
    has: (task) => working.has(task),
    async start(description, attempt) {
      const { task } = description;
      await writeTaskDescription(store, description);
      await history.begin(task.name, attempt, clock.now());
      const path = layout.runLog(run, task.name);
      const sink = openRunLog({ store, path, log: options.log });
      const command = [
        ...options.command,
        ...workerArguments(options, description),
      ];
      const process = startWorkerProcess({ ...options, command, sink });
      working.set(task.name, process);
      const end = finish(task, process)
        .then(() => sink.close())
        .catch((thrown: unknown) => {
          failure = { thrown };
        })
        .finally(() => {
          ends.delete(end);
          options.onEnded();
        });
      ends.add(end);
    },
    stop(task, request) {
      working.get(task)?.stop(request, options.graceMs);
    },
    progress: () =>
      [...working].flatMap(([task, process]) => {
        const progress = process.progress();
        return progress === null ? [] : [{ task, ...progress }];
      }),
    takeFailure() {
      const taken = failure;
      failure = null;
      return taken;
    },
    async stopAll(request) {
      for (const process of working.values())
        process.stop(request, options.graceMs);
      await Promise.all(ends);
    },
  };
}

/** The grace too: a worker whose driver kills it must know when. */
function workerArguments(
  { store, graceMs }: Pick<LocalAttemptsOptions, "store" | "graceMs">,
  { run, task }: TaskDescription,
): readonly string[] {
  const own = ["--store", store.url, "--run", run, "--task", task.name];
  return [...own, "--grace", `${graceMs}ms`];
}
