/**
 * The loop: observe → reconcile → apply → wait, until the run has come to its end or the driver is told to stop. The
 * same for every executor. It owns nothing but the run's records: `status.json` when it changes, one event and one
 * log line per transition (house rule: what was found in the store at the first look is one line for all).
 *
 * A store or an executor that fails for a moment is asked again; anything else ends the loop, after the workers have
 * been stopped. The caller holds the run's lease (`join-run`).
 */
import type { Clock } from "../base/clock.ts";
import { TransientError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Plan } from "../plan/plan.ts";
import type { Observation } from "../run/observation.ts";
import { reconcile } from "../run/reconcile.ts";
import type { Decision, RunStatus } from "../run/status.ts";
import { isTerminal } from "../run/to-status.ts";
import { openRunEvents } from "../store/runs/run-events.ts";
import { writeStatus } from "../store/runs/run-records.ts";
import type { Store } from "../store/store.ts";
import type { Executor, TaskProgress } from "./executor.ts";
import { findTransitions, type Transition } from "./transitions.ts";

/** People may cancel, other runs may finish what this one waits for: look at least this often. */
const LOOK_EVERY_MS = 1000;
/** … but spend no more than a small part of the time on looking. */
const LOOK_SHARE = 20;
const MAX_FAILURES_IN_A_ROW = 8;

export type DriveEvent =
  | {
      readonly kind: "status";
      readonly status: RunStatus;
      readonly progress: readonly TaskProgress[];
    }
  | ({ readonly kind: "transition" } & Transition)
  /** Somebody else drives this run: who. */
  | { readonly kind: "following"; readonly driver: string }
  | { readonly kind: "driving" };

export type DriveOptions = {
  readonly plan: Plan;
  readonly run: string;
  readonly store: Store;
  readonly executor: Executor;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts to stop: running attempts save a checkpoint, nothing is lost. */
  readonly signal: AbortSignal;
  readonly listener: (event: DriveEvent) => void;
  /** Whether this process may still write the run's records: it holds the lease. */
  readonly holdsLease: () => boolean;
};

/** Drives a run; returns its last status, which is terminal unless the driver was told to stop. */
export async function drive(options: DriveOptions): Promise<RunStatus> {
  const { plan, executor, signal } = options;
  const records = createRecorder(options);
  let decision: Decision | null = null;
  try {
    while (!signal.aborted) {
      const startMs = options.clock.monotonicMs();
      decision = await cycle(options, records, decision);
      if (isTerminal(decision.status.phase)) return decision.status;
      const spentMs = options.clock.monotonicMs() - startMs;
      await waitForChange(options, decision.requeueAfterMs, spentMs);
    }
  } finally {
    await executor.close();
  }
  const observation = await executor.observe(plan);
  const last = reconcile(plan, observation, options.clock.now());
  const status = isTerminal(last.status.phase)
    ? last.status
    : toStopped(last.status);
  if (options.holdsLease())
    await records.write({ ...last, status }, observation);
  return status;
}

/** One turn: looks, decides, writes down, acts. Asks again, with back-off, what failed for a moment. */
async function cycle(
  options: DriveOptions,
  records: Recorder,
  before: Decision | null,
): Promise<Decision> {
  const { plan, executor, clock, log, signal } = options;
  for (let failures = 0; ;) {
    try {
      const observation = await executor.observe(plan);
      const decision = reconcile(
        plan,
        observation,
        clock.now(),
        before?.status,
      );
      await records.write(decision, observation);
      await executor.apply(plan, decision.actions);
      return decision;
    } catch (thrown) {
      failures++;
      if (!(thrown instanceof TransientError)) throw thrown;
      if (failures > MAX_FAILURES_IN_A_ROW || signal.aborted) throw thrown;
      const waitMs = thrown.retryAfterMs ?? 250 * 2 ** failures;
      log.warn(
        { code: thrown.code, reason: thrown.message, failures, waitMs },
        "the run could not be looked after for a moment",
      );
      await clock.sleep(waitMs, signal);
    }
  }
}

async function waitForChange(
  { executor, clock, signal }: DriveOptions,
  requeueAfterMs: number | null,
  spentMs: number,
): Promise<void> {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  const look = Math.max(LOOK_EVERY_MS, spentMs * LOOK_SHARE);
  const waitMs = Math.min(look, requeueAfterMs ?? look);
  await Promise.race([
    executor.changed(over.signal),
    clock.sleep(waitMs, over.signal),
  ]);
  end();
  signal.removeEventListener("abort", end);
}

type Recorder = {
  write(decision: Decision, observation: Observation): Promise<void>;
};

function createRecorder(options: DriveOptions): Recorder {
  const { plan, run, store, executor, clock, log, listener } = options;
  const events = openRunEvents(store, run);
  let states: Decision["states"] | null = null;
  let written = "";
  return {
    async write(decision, observation) {
      const { status } = decision;
      const atMs = clock.now();
      const transitions = findTransitions({
        plan,
        before: states,
        after: decision.states,
        observation,
      });
      states = decision.states;
      for (const transition of transitions) {
        const { task, to: phase, attempt, reason } = transition;
        log.info({ ...transition }, "task changed phase");
        events.append({ atMs, task, phase, attempt, reason });
        listener({ kind: "transition", ...transition });
      }
      listener({ kind: "status", status, progress: executor.progress() });
      const text = JSON.stringify(status);
      if (text === written) return;
      await events.flush();
      await writeStatus(store, { run, status, clock });
      written = text;
    },
  };
}

/** Nothing runs any more, and nobody looks after it: it waits for the next driver. */
function toStopped(status: RunStatus): RunStatus {
  const { Succeeded, total } = status.counts;
  const reason = `stopped with ${Succeeded} of ${total} tasks done; run the same file again to go on`;
  // Nothing waits for room where nobody starts anything.
  const notes = status.notes.filter(({ phase }) => phase !== "Pending");
  return { ...status, phase: "Pending", reason, notes };
}
