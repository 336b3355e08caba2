/**
 * Actions → requests: Jobs are removed and created, and what Jobs need besides is looked after. All of it may be repeated (K3).
 */
import { mapBounded } from "../../base/async.ts";
import { resources } from "../../kube/kube.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Action } from "../../run/status.ts";
import type { Job, Pod } from "../jobs/job.ts";
import { attemptNumberOf, type JobView } from "../jobs/observe-jobs.ts";
import type {
  ExecutorState,
  KubernetesExecutorOptions,
} from "./executor-state.ts";
import type { JobWatch } from "./job-watch.ts";
import { removeOnce } from "./is-gone.ts";
import { shareRoom } from "./share-room.ts";
import { tendJobs } from "./tend-jobs.ts";

const RECORDS_AT_ONCE = 16;

export async function applyActions(
  state: ExecutorState,
  plan: Plan,
  actions: readonly Action[],
): Promise<void> {
  await stopTasks(state, actions);
  await startTasks(state, plan, actions);
  await share(state, plan);
}

async function stopTasks(
  { options, watch, seen, ended, starter, flag }: ExecutorState,
  actions: readonly Action[],
): Promise<void> {
  const stops = new Map(
    actions.flatMap((action) =>
      action.kind === "stop" && action.cause === "stopped-by-us"
        ? [[action.task, action] as const]
        : [],
    ),
  );
  if (stops.size === 0) return;
  starter.forget(stops);
  const { views } = await watch.look();
  const nowMs = options.clock.now();
  let removed = 0;
  for (const { job, tasks } of views) {
    const number = attemptNumberOf(job);
    const concerned = tasks.filter((task) => stops.has(task));
    if (concerned.length === 0) continue;
    // Those that ran: the next start is their next attempt, and goes on from a checkpoint.
    await mapBounded(concerned, RECORDS_AT_ONCE, async (task) => {
      const attempt = seen.get(task)?.find((one) => one.number === number);
      const reason = stops.get(task)?.reason ?? "";
      if (attempt === undefined || attempt.end || attempt.waiting) return;
      const cause = "stopped-by-us" as const;
      const end = { atMs: nowMs, exitCode: null, cause, reason };
      await ended.add(task, { ...attempt, end });
    });
    await removeJob(options, watch, job);
    removed++;
  }
  // Pods that are ending tell of it by themselves.
  if (removed > 0) flag.raise();
}

async function startTasks(
  state: ExecutorState,
  plan: Plan,
  actions: readonly Action[],
): Promise<void> {
  const { options, watch, keys, ended, starter, flag, byNameOf } = state;
  if (!actions.some(({ kind }) => kind === "start") && !starter.isWaiting())
    return;
  const byName = byNameOf(plan);
  const { views } = await watch.look();
  const reached = new Map<string, number>();
  for (const { job, tasks } of views)
    for (const task of tasks)
      reached.set(task, Math.max(reached.get(task) ?? 0, attemptNumberOf(job)));
  const ready = actions.flatMap((action) => {
    if (action.kind !== "start") return [];
    const { attempt } = action;
    const task = byName.get(action.task);
    if (task === undefined)
      throw new Error(`the plan has no task '${action.task}'`);
    if ((reached.get(task.name) ?? 0) >= attempt) return [];
    return [{ task, attempt, attempts: ended.of(task.name) }];
  });
  const control = await options.readControl();
  const refused = await starter.start(plan, ready, {
    views,
    keys,
    control,
    onCreated: (job) => watch.created(job),
  });
  await mapBounded(refused, RECORDS_AT_ONCE, ({ task, attempt }) =>
    ended.add(task, attempt),
  );
  if (ready.length > 0) flag.raise();
}

async function share(state: ExecutorState, plan: Plan): Promise<void> {
  const { options, watch } = state;
  const { kube, getRun, jobs } = options;
  const { metadata, spec } = getRun();
  const { queue, parallelism = null } = spec;
  const isFree = jobs
    .byIndex(metadata.uid ?? "")
    .every(({ spec }) => spec.parallelism >= spec.completions);
  if (queue !== undefined || (parallelism === null && isFree)) return;
  const { views } = await watch.look();
  const isSettled = createIsSettled(state, plan);
  await shareRoom({
    kube,
    views: views.filter((view) => !isSettled(view)),
    parallelism,
    onChanged: (job) => watch.changed(job),
  });
}

/** What no task waits for (`tend-jobs`). */
export async function tend(state: ExecutorState, plan: Plan): Promise<void> {
  const { options, limits, watch } = state;
  const { kube, log, getRun, settings, clock } = options;
  const { views, orphans } = state.around;
  const { pods } = getRun().spec;
  await tendJobs({
    kube,
    log,
    settled: views.filter(createIsSettled(state, plan)),
    pods: [...views.flatMap((view) => view.pods), ...orphans.map(toPod)],
    isCommitted: createIsCommitted(state, plan),
    ttlSeconds: limits.ttlSeconds,
    lostAfterSeconds: pods?.lostAfterSeconds ?? settings.lostAfterSeconds,
    nowMs: clock.now(),
    removeJob: (job) => removeJob(options, watch, job),
    onChanged: (job) => watch.changed(job),
  });
}

const toPod = ({ pod }: { readonly pod: Pod }): Pod => pod;

function createIsCommitted({ keys, byNameOf }: ExecutorState, plan: Plan) {
  const byName = byNameOf(plan);
  return (task: string): boolean =>
    keys.isCommitted(byName.get(task)?.key ?? "");
}

/** Whether each task of a Job is done, or its end at this attempt is written down. */
function createIsSettled(state: ExecutorState, plan: Plan) {
  const isCommitted = createIsCommitted(state, plan);
  return ({ job, tasks }: JobView): boolean => {
    const number = attemptNumberOf(job);
    return tasks.every(
      (task) => isCommitted(task) || state.ended.has(task, number),
    );
  };
}

/** In the background: its pods get SIGTERM, and save a checkpoint. */
async function removeJob(
  { kube }: KubernetesExecutorOptions,
  watch: JobWatch,
  job: Job,
): Promise<void> {
  const { name, namespace = "", uid = "" } = job.metadata;
  await removeOnce(kube, resources.job, { name, namespace }, { uid });
  watch.removed(job);
}
