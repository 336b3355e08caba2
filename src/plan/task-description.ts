/**
 * What a worker is told: one task with its inputs resolved to keys. Written by the executor to
 * `runs/<run>/tasks/<task>.json` and passed by pointer (invariant E).
 */
import type { Cell, Plan, Task } from "./plan.ts";

export type InputReference = {
  readonly task: string;
  readonly stage: string;
  readonly key: string;
  readonly cell: Cell;
};

export type TaskDescription = {
  readonly run: string;
  readonly pipeline: string;
  readonly task: Task;
  readonly inputs: Readonly<Record<string, readonly InputReference[]>>;
  /** What lay at the places that the task reads when it was planned: place → fingerprint. */
  readonly sources?: Readonly<Record<string, string>>;
};

/** The description of one task of a plan, as the worker of run `run` reads it. */
export function describeTask(options: {
  readonly plan: Plan;
  readonly byName: ReadonlyMap<string, Task>;
  readonly run: string;
  readonly task: Task;
}): TaskDescription {
  const resolve = (name: string): InputReference => {
    const { stage, key, cell } = options.byName.get(name) ?? missing(name);
    return { task: name, stage, key, cell };
  };
  const inputs = Object.fromEntries(
    Object.entries(options.task.inputs).map(([input, names]) => [
      input,
      names.map(resolve),
    ]),
  );
  return {
    run: options.run,
    pipeline: options.plan.pipeline,
    task: options.task,
    inputs,
    sources: Object.fromEntries(
      Object.entries(options.plan.sources).filter(([place]) =>
        Object.values(options.task.params).includes(place),
      ),
    ),
  };
}

function missing(name: string): never {
  throw new Error(`the plan has no task '${name}'`);
}
