/**
 * Ready tasks → Jobs that are there. What each worker is told is written first, then the Job is created. Work that a quota
 * refuses is kept and tried again, with a back-off: its tasks wait with the server's words, and nothing else is held up.
 */
import { mapBounded } from "../../base/async.ts";
import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import type { Kube } from "../../kube/kube.ts";
import type { Plan } from "../../plan/plan.ts";
import { describeTask } from "../../plan/task-description.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { AttemptObservation, RunControl } from "../../run/observation.ts";
import { writePack } from "../../store/runs/run-packs.ts";
import { writeTaskDescription } from "../../store/runs/run-records.ts";
import type { Store } from "../../store/store.ts";
import type { KeyWatch } from "../key-watch.ts";
import { createTaskIndex } from "../task-index.ts";
import { createJob } from "./create-job.ts";
import type { EndedAttempt } from "./ended-attempts.ts";
import type { Job } from "../jobs/job.ts";
import { packTasks, type JobWork, type ReadyTask } from "../jobs/job-work.ts";
import type { JobView } from "../jobs/observe-jobs.ts";
import type { PodSettings } from "../jobs/pod-template.ts";
import { toSharer } from "./share-room.ts";
import { toJob } from "../jobs/to-job.ts";

const JOBS_AT_ONCE = 8;
/** Of so few tasks the keys are looked up before they start; of more, workers find out by themselves. */
const LOOK_UP_AT_MOST = 64;
const RETRY_FIRST_MS = 2000;
const RETRY_MAX_MS = 60_000;

export type StarterOptions = {
  readonly kube: Kube;
  readonly store: Store;
  readonly storeRun: string;
  readonly getRun: () => Run;
  readonly settings: PodSettings;
  readonly clock: Clock;
  readonly limits: { readonly quotaMs: number; readonly maxPack: number };
};

export type Starter = {
  start(
    plan: Plan,
    ready: readonly ReadyTask[],
    around: {
      readonly views: readonly JobView[];
      readonly keys: KeyWatch;
      readonly control: RunControl;
      /** Told of each Job as soon as it is there: what fails of the others must not hide it. */
      readonly onCreated: (job: Job) => void;
    },
  ): Promise<readonly Refusal[]>;
  /** Whether there are tasks whose Job could not be created yet. */
  isWaiting(): boolean;
  /** These. */
  waiting(): Iterable<readonly [task: string, attempt: AttemptObservation]>;
  /** They are not to start any more. */
  forget(tasks: { has(task: string): boolean }): void;
  troubles(nowMs: number): readonly string[];
};

/** What can never be started like this. */
export type Refusal = {
  readonly task: string;
  readonly attempt: EndedAttempt;
};

type Blocked = {
  readonly work: JobWork;
  readonly sinceMs: number;
  readonly reason: string;
  readonly tries: number;
  readonly nextTryMs: number;
};

export function createStarter(options: StarterOptions): Starter {
  const { kube, store, storeRun, getRun, settings, clock, limits } = options;
  const byNameOf = createTaskIndex();
  let blocked: readonly Blocked[] = [];

  const writeDescriptions = async (plan: Plan, work: JobWork) => {
    const byName = byNameOf(plan);
    const descriptions = work.tasks.flatMap((name) => {
      const task = byName.get(name);
      if (task === undefined) return [];
      const { resources } = work;
      const raised = { ...task, resources };
      return [describeTask({ plan, byName, run: storeRun, task: raised })];
    });
    if (work.pack !== null)
      return await writePack(
        store,
        { run: storeRun, pack: work.pack },
        descriptions,
      );
    for (const one of descriptions) await writeTaskDescription(store, one);
  };

  const attempt = async (
    { work, sinceMs, tries }: Blocked,
    parallelism: number,
  ) => {
    const input = { run: getRun(), storeRun, settings, work };
    const creation = await createJob(kube, toJob(input, parallelism));
    if (creation.kind !== "blocked") return { ...creation, work };
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** tries);
    const nextTryMs = clock.now() + waitMs;
    const { reason } = creation;
    const again = { work, sinceMs, reason, tries: tries + 1, nextTryMs };
    return { kind: "blocked", again } as const;
  };

  return {
    async start(plan, ready, { views, keys, control, onCreated }) {
      const nowMs = clock.now();
      const isHeld = Boolean(control.cancel || control.suspend || control.hold);
      const free = await withoutTaken(withoutBlocked(ready, blocked), keys);
      const fresh = packTasks(free, limits.maxPack).map((work) => ({
        work,
        sinceMs: nowMs,
        reason: "",
        tries: 0,
        nextTryMs: nowMs,
      }));
      await mapBounded(fresh, JOBS_AT_ONCE, ({ work }) =>
        writeDescriptions(plan, work),
      );
      const isDue = ({ nextTryMs }: Blocked) => !isHeld && nextTryMs <= nowMs;
      const due = [...blocked.filter(isDue), ...fresh];
      const shares = shareOut(due, views, getRun());
      const later = blocked.filter((one) => !isDue(one));
      const failures: Error[] = [];
      // After a failure nothing more is asked, but what is under way is waited for: it may be there.
      const create = async (one: Blocked, index: number) => {
        if (failures.length > 0) return { kind: "failed", one } as const;
        try {
          const outcome = await attempt(one, shares[index] ?? 0);
          if (outcome.kind === "created") onCreated(outcome.job);
          return outcome;
        } catch (thrown) {
          failures.push(toError(thrown));
          return { kind: "failed", one } as const;
        }
      };
      const outcomes = await mapBounded(due, JOBS_AT_ONCE, create);
      blocked = [
        ...later,
        ...outcomes.flatMap((one) => (one.kind === "blocked" ? one.again : [])),
        // Fresh ones come again by themselves.
        ...outcomes.flatMap((outcome) =>
          outcome.kind === "failed" && outcome.one.tries > 0 ? outcome.one : [],
        ),
      ];
      if (failures[0] !== undefined) throw failures[0];
      return outcomes.flatMap((one) =>
        one.kind === "refused" ? toRefusals(one.work, one.reason, nowMs) : [],
      );
    },
    isWaiting: () => blocked.length > 0,
    *waiting() {
      for (const { work, sinceMs, reason } of blocked)
        for (const task of work.tasks)
          yield [
            task,
            {
              number: work.attempt,
              startedAtMs: sinceMs,
              end: null,
              waiting: reason,
            },
          ];
    },
    forget(tasks) {
      blocked = blocked.filter(
        ({ work }) => !work.tasks.some((task) => tasks.has(task)),
      );
    },
    troubles: (nowMs) =>
      blocked.flatMap(({ work, sinceMs, reason }) =>
        nowMs - sinceMs > limits.quotaMs
          ? [
              `stage '${work.stage}' has waited for ${Math.floor((nowMs - sinceMs) / 3_600_000)} hours: ${reason}`,
            ]
          : [],
      ),
  };
}

function withoutBlocked(
  ready: readonly ReadyTask[],
  blocked: readonly Blocked[],
): readonly ReadyTask[] {
  const waiting = new Set(blocked.flatMap(({ work }) => work.tasks));
  return ready.filter(({ task }) => !waiting.has(task.name));
}

/** Somebody may have committed a key since the last look, or compute it now. */
async function withoutTaken(
  ready: readonly ReadyTask[],
  keys: KeyWatch,
): Promise<readonly ReadyTask[]> {
  if (ready.length > LOOK_UP_AT_MOST) return ready;
  const taken = await mapBounded(ready, JOBS_AT_ONCE, ({ task }) =>
    keys.isTaken(task.key),
  );
  return ready.filter((_, index) => taken[index] !== true);
}

/** What each new Job may have of the Run's parallelism beside those that are there; more is given when others end. */
function shareOut(
  due: readonly Blocked[],
  views: readonly JobView[],
  { spec }: Run,
): readonly number[] {
  const isLimited = spec.queue === undefined && spec.parallelism !== undefined;
  let free = isLimited ? (spec.parallelism ?? 0) : Number.POSITIVE_INFINITY;
  for (const { left, parallelism } of views.map(toSharer))
    free -= Math.min(left, parallelism);
  return due.map(({ work }) => {
    const share = Math.max(0, Math.min(work.tasks.length, free));
    free -= share;
    return share;
  });
}

function toRefusals(
  work: JobWork,
  reason: string,
  nowMs: number,
): readonly Refusal[] {
  return work.tasks.map((task) => ({
    task,
    attempt: {
      number: work.attempt,
      startedAtMs: nowMs,
      end: { atMs: nowMs, exitCode: null, cause: null, reason, isFinal: true },
    },
  }));
}
