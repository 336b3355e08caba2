/**
 * Whether a plan that was read has the shape of a plan. Its digest says that nobody changed it by mistake; whoever can
 * write to the store can forge both, and what reads plans must not fall over it.
 */
import { STAGE_KINDS } from "../spec/stage-kinds.ts";
import type { Plan, Task } from "./plan.ts";

const kinds: ReadonlySet<unknown> = new Set([...STAGE_KINDS, "catalog"]);

/** What is wrong with it, or null. */
export function findPlanProblem(plan: Plan): string | null {
  const { pipeline, digest, stages, tasks } = plan;
  if (!isText(pipeline) || !isText(digest)) return "it has no name or digest";
  const isStage = ({ name, kind }: Plan["stages"][number]): boolean =>
    isText(name) && kinds.has(kind);
  if (!isList(stages) || !stages.every((it) => isRecord(it) && isStage(it)))
    return "its stages are not stages";
  const broken = tasks.findIndex((task) => !isTask(task));
  return broken < 0 ? null : `its task ${broken} is not a task`;
}

function isTask(task: Task): boolean {
  const { name, stage, kind, key, seed, part, timeoutMs } = task;
  return (
    [name, stage, key].every(isText) &&
    kinds.has(kind) &&
    [seed, timeoutMs].every((it) => it === null || Number.isFinite(it)) &&
    (part === null || (isCount(part.index) && isCount(part.count))) &&
    [task.cell, task.params, task.resources].every(isRecord) &&
    isRecord(task.inputs) &&
    Object.values(task.inputs).every((it) => isList(it) && it.every(isText))
  );
}

const isText = (value: unknown): boolean => typeof value === "string";
const isList = (value: unknown): boolean => Array.isArray(value);
const isCount = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 0;

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
