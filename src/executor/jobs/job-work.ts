/**
 * Ready tasks → what Jobs are made of. A task of a kind that declares it gets a Job by itself, so that a queue can admit
 * and preempt it alone; of the others, those that start together and need the same pod share one Indexed Job: ten
 * thousand evaluations cost a few API objects. Pure and deterministic: the same starts give the same packs.
 */
import { createHash } from "node:crypto";
import type { Resources, Task } from "../../plan/plan.ts";
import { podsOf } from "../../plan/task-pods.ts";
import type { AttemptObservation } from "../../run/observation.ts";
import { resourcesAfter } from "../../run/task-memory.ts";

/** What one Job does. */
export type JobWork = {
  readonly stage: string;
  readonly attempt: number;
  /** By index, in the order in which they should begin. */
  readonly tasks: readonly string[];
  /** Where a worker finds them (`runs/<run>/packs/<pack>/`); null: there is one, and it is named. */
  readonly pack: string | null;
  /** Of each task. */
  readonly resources: Resources;
  readonly timeoutMs: number | null;
  readonly graceSeconds: number;
};

export type ReadyTask = {
  readonly task: Task;
  readonly attempt: number;
  /** Those before this one. */
  readonly attempts: readonly AttemptObservation[];
};

/** A Job's controller holds all indexes in memory, and one bad pack must not hold a whole run. */
const MAX_PACK = 10_000;

/** @param ready heaviest first, as `reconcile` starts them. */
export function packTasks(
  ready: readonly ReadyTask[],
  maxPack = MAX_PACK,
): readonly JobWork[] {
  const groups = new Map<string, { work: JobWork; tasks: string[] }>();
  for (const one of ready) {
    const work = workOf(one);
    const alone = podsOf(one.task).ownJob ? one.task.name : "";
    const group = JSON.stringify([alone, { ...work, tasks: [] }]);
    const found = groups.get(group) ?? { work, tasks: [] };
    found.tasks.push(one.task.name);
    groups.set(group, found);
  }
  return [...groups.values()].flatMap(({ work, tasks }) =>
    chunksOf(tasks, maxPack).map((chunk) => ({
      ...work,
      tasks: chunk,
      pack: chunk.length === 1 ? null : packName(work, chunk),
    })),
  );
}

function workOf({ task, attempt, attempts }: ReadyTask): JobWork {
  return {
    stage: task.stage,
    attempt,
    tasks: [],
    pack: null,
    resources: resourcesAfter(task.resources, attempts),
    timeoutMs: task.timeoutMs,
    graceSeconds: podsOf(task).graceSeconds,
  };
}

/** The same tasks at the same attempt have the same pack, whoever writes it. */
function packName({ stage, attempt }: JobWork, tasks: readonly string[]) {
  const digits = createHash("sha256")
    .update(JSON.stringify([attempt, ...tasks]))
    .digest("hex")
    .slice(0, 16);
  return `${stage}-${digits}`;
}

function chunksOf<T>(all: readonly T[], size: number): readonly T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < all.length; at += size)
    chunks.push(all.slice(at, at + size));
  return chunks;
}
