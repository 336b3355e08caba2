/**
 * One turn of driving a run, as a value that a loop or a queue steps: observe → reconcile → apply and record. It owns
 * nothing but the run's records: `status.json` when it changes, one event and one log line per transition (house rule:
 * what was found in the store at the first look is one line for all).
 *
 * Records are written beside the steps, which do not wait for a slow disk or bucket, but for the last one: the end of a run
 * is recorded when its step resolves. What failed to be written is thrown by the next step.
 *
 * A step that throws has changed nothing that the next one would not do again: observations are taken anew, actions
 * are harmless when repeated, and what was not written is still different. When to step, and what to do about a
 * failure, is the caller's business; the caller holds the run's lease.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Plan } from "../plan/plan.ts";
import type { Observation } from "../run/observation.ts";
import { reconcile } from "../run/reconcile.ts";
import type { Decision, RunStatus } from "../run/status.ts";
import { isTerminal } from "../run/to-status.ts";
import { openRunEvents } from "../store/runs/run-events.ts";
import { writeStatus } from "../store/runs/run-records.ts";
import type { Store } from "../store/store.ts";
import { createBackground } from "./background.ts";
import type { Executor, TaskProgress } from "./executor.ts";
import { findTransitions, type Transition } from "./transitions.ts";

export type DriverEvent =
  | {
      readonly kind: "status";
      readonly status: RunStatus;
      readonly progress: readonly TaskProgress[];
    }
  | ({ readonly kind: "transition" } & Transition);

export type DriverOptions = {
  readonly plan: Plan;
  readonly run: string;
  readonly store: Store;
  readonly executor: Executor;
  readonly clock: Clock;
  readonly log: Logger;
  readonly listener: (event: DriverEvent) => void;
  /** The status that an earlier driver left, if it is to stand: a terminal one latches (F). */
  readonly previous?: RunStatus | null;
};

export type Driver = {
  /** One turn. A decision that was terminal latches (F): later steps only return it. */
  step(): Promise<Decision>;
  /** Resolves when nothing is being written. */
  settled(): Promise<void>;
  /** A last look when nobody drives any more: what it finds is written down, if `mayWrite` still says so, and not acted on. */
  leave(options: { readonly mayWrite: () => boolean }): Promise<RunStatus>;
};

export function createDriver(options: DriverOptions): Driver {
  const { plan, executor, clock } = options;
  const records = createRecorder(options);
  let before = options.previous ?? undefined;
  return {
    async step() {
      records.check();
      const observation = await executor.observe(plan);
      const decision = reconcile(plan, observation, clock.now(), before);
      records.note(decision, observation);
      await executor.apply(plan, decision.actions);
      if (isTerminal(decision.status.phase)) await records.write();
      before = decision.status;
      return decision;
    },
    settled: () => records.settled(),
    async leave({ mayWrite }) {
      const observation = await executor.observe(plan);
      const last = reconcile(plan, observation, clock.now());
      const status = isTerminal(last.status.phase)
        ? last.status
        : toStopped(last.status);
      if (!mayWrite()) return status;
      records.note({ ...last, status }, observation);
      await records.write();
      return status;
    },
  };
}

type Recorder = {
  /** Begins to write what is new. */
  note(decision: Decision, observation: Observation): void;
  /** Resolves when what was noted is written. */
  write(): Promise<void>;
  /** Throws what an earlier write failed of, once. */
  check(): void;
  settled(): Promise<void>;
};

function createRecorder(options: DriverOptions): Recorder {
  const { plan, run, store, executor, clock, log, listener } = options;
  const events = openRunEvents(store, run);
  let states: Decision["states"] | null = null;
  let status: RunStatus | null = null;
  let written = "";
  const save = async (): Promise<void> => {
    const latest = status;
    const text = JSON.stringify(latest);
    if (latest === null || text === written) return;
    await events.flush();
    await writeStatus(store, { run, status: latest, clock });
    written = text;
  };
  const saving = createBackground(save, () => undefined);
  return {
    check: () => saving.check(),
    settled: () => saving.settled(),
    async write() {
      await saving.settled();
      await save();
    },
    note(decision, observation) {
      status = decision.status;
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
      saving.start();
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
