/**
 * One look at a Run: Jobs and pods, then manifests (K2), then what is written down of ends → the observation.
 */
import { mapBounded } from "../../base/async.ts";
import type { Plan } from "../../plan/plan.ts";
import type {
  AttemptObservation,
  Observation,
  TaskObservation,
} from "../../run/observation.ts";
import { resourcesAfter } from "../../run/task-memory.ts";
import { settleFound } from "../../store/runs/run-found.ts";
import { indexOf, observeJobs } from "../jobs/observe-jobs.ts";
import { hasEnded } from "./ended-attempts.ts";
import type { ExecutorState } from "./executor-state.ts";

const RECORDS_AT_ONCE = 16;

/** Looks at the cluster and the store; writes down ends that nobody has written down yet. */
export async function observeRun(
  state: ExecutorState,
  plan: Plan,
): Promise<Observation> {
  const { options, keys, ended } = state;
  const control = await options.readControl();
  const { live, waitingFor } = await lookAtCluster(state, plan);
  doubtKeys(state, plan, live);
  state.seen = live;
  await keys.look(plan.tasks.map(({ key }) => key));
  state.found ??= await settleFound(options.store, {
    run: options.storeRun,
    plan,
    isCommitted: (key) => keys.isCommitted(key),
  });
  await recordEnds(state, plan, live);
  const tasks = new Map<string, TaskObservation>();
  for (const { name, key } of plan.tasks) {
    const recorded = ended.of(name);
    const now = live.get(name) ?? [];
    const committed = keys.isCommitted(key);
    tasks.set(name, {
      task: name,
      committed,
      heldBy: keys.holderOf(key),
      attempts: state.found.has(key)
        ? []
        : merge(recorded, now, { committed, isEnding: waitingFor.has(name) }),
    });
  }
  // Who queues is the cluster.
  return { tasks, capacity: null, control };
}

async function lookAtCluster(state: ExecutorState, plan: Plan) {
  const { options, limits, keys, ended, starter, quota, usage } = state;
  const byName = state.byNameOf(plan);
  const nowMs = options.clock.now();
  state.around = await state.watch.look();
  const { views, orphans } = state.around;
  for (const { tasks, pods } of views)
    for (const pod of pods) {
      const task = byName.get(tasks[indexOf(pod)] ?? "");
      usage.note(pod, task?.resources.gpu ?? 0, nowMs);
    }
  // They save a checkpoint, on their GPUs.
  for (const { task, pod } of orphans)
    usage.note(pod, byName.get(task)?.resources.gpu ?? 0, nowMs);
  quota.note(views, nowMs);
  const observed = observeJobs({
    views,
    orphans,
    stuckMs: limits.stuckMs,
    nowMs,
    isDone: (name) => keys.isCommitted(byName.get(name)?.key ?? ""),
    resourcesOf: (name, attempt) => {
      const task = byName.get(name);
      if (task === undefined) throw new Error(`the plan has no task '${name}'`);
      const before = ended.of(name).filter(({ number }) => number < attempt);
      return resourcesAfter(task.resources, before);
    },
  });
  const live = new Map(observed);
  for (const [task, attempt] of starter.waiting())
    live.set(task, [...(live.get(task) ?? []), attempt]);
  return { live, waitingFor: new Set(orphans.map(({ task }) => task)) };
}

/** What ended, and what is no longer there: whether there is a manifest is asked anew. */
function doubtKeys(
  { keys, seen, ended, byNameOf }: ExecutorState,
  plan: Plan,
  live: ExecutorState["seen"],
): void {
  const byName = byNameOf(plan);
  const doubt = (name: string): void => {
    const key = byName.get(name)?.key;
    if (key !== undefined && !keys.isCommitted(key)) keys.doubt(key);
  };
  for (const [name, attempts] of live)
    if (attempts.some((one) => hasEnded(one) && !ended.has(name, one.number)))
      doubt(name);
  for (const name of seen.keys()) if (!live.has(name)) doubt(name);
}

async function recordEnds(
  { keys, ended, byNameOf }: ExecutorState,
  plan: Plan,
  live: ExecutorState["seen"],
): Promise<void> {
  const byName = byNameOf(plan);
  const failures = [...live].filter(
    ([name]) => !keys.isCommitted(byName.get(name)?.key ?? ""),
  );
  await mapBounded(failures, RECORDS_AT_ONCE, async ([name, attempts]) => {
    for (const attempt of attempts.filter(hasEnded))
      await ended.add(name, attempt);
  });
}

function merge(
  recorded: readonly AttemptObservation[],
  live: readonly AttemptObservation[],
  task: { readonly committed: boolean; readonly isEnding: boolean },
): readonly AttemptObservation[] {
  const attempts = unite(recorded, live, task.isEnding);
  if (attempts.length > 0 || !task.committed) return attempts;
  // Done by this run, and the Job that did it is gone.
  const end = { atMs: 0, exitCode: 0, cause: null, reason: "" } as const;
  return [{ number: 1, startedAtMs: 0, end }];
}

/** What is written down stays, but for a pod that has still to end. */
function unite(
  recorded: readonly AttemptObservation[],
  live: readonly AttemptObservation[],
  isEnding: boolean,
): readonly AttemptObservation[] {
  // As a rule, and of thousands of tasks in each turn.
  if (recorded.length === 0 && live.length <= 1) return live;
  const all = new Map<number, AttemptObservation>();
  for (const attempt of live) all.set(attempt.number, attempt);
  for (const attempt of recorded)
    if (!isEnding || all.get(attempt.number)?.end !== null)
      all.set(attempt.number, attempt);
  return [...all.values()].toSorted((a, b) => a.number - b.number);
}
