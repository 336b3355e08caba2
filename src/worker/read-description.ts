/** What a worker is told to do: the task's description, from its pointer in the store (invariant E). */
import { UserError } from "../base/errors.ts";
import type { TaskDescription } from "../plan/task-description.ts";
import { readJson } from "../store/json.ts";
import { layout } from "../store/layout.ts";
import type { Store } from "../store/store.ts";

/** Throws `worker.no-task` or `worker.description-corrupt` (UserError). */
export async function readDescription(
  store: Store,
  run: string,
  task: string,
): Promise<TaskDescription> {
  const path = layout.runTask(run, task);
  const bytes = await store.read(path);
  if (bytes === null)
    throw new UserError({
      code: "worker.no-task",
      message: `expected the description of task '${task}' at '${path}' in ${store.url}, found nothing`,
      hint: "workers are started by `hueline run`, which writes it first; check --store, --run and --task",
    });
  const json = readJson(bytes);
  if (json.kind === "value" && isDescription(json.value, run, task))
    return json.value;
  throw new UserError({
    code: "worker.description-corrupt",
    message: `'${path}' in ${store.url} does not describe task '${task}' of run '${run}'`,
    hint: "run the pipeline again with `hueline run`: it writes the description anew",
  });
}

/** Our own program wrote it; this tells a cut or foreign file from a description, no more. */
function isDescription(
  value: unknown,
  run: string,
  name: string,
): value is TaskDescription {
  if (!isObject(value) || value["run"] !== run) return false;
  const { task, inputs } = value;
  return (
    isObject(task) &&
    task["name"] === name &&
    typeof task["key"] === "string" &&
    typeof task["kind"] === "string" &&
    isObject(task["params"]) &&
    isObject(inputs) &&
    Object.values(inputs).every(Array.isArray)
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
