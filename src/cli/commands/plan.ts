/** `hueline plan`: what would run, what is cached, the critical path, and with `--why` what changed a key. Writes nothing. */
import { ExitCode } from "../../base/errors.ts";
import { explainKeys, type KeyChange } from "../../plan/diff.ts";
import { criticalPath } from "../../plan/graph.ts";
import type { Plan, Task } from "../../plan/plan.ts";
import { listRuns, readPlan } from "../../store/runs/run-records.ts";
import type { Store } from "../../store/store.ts";
import type { Environment, Services, TrainingMemory } from "../environment.ts";
import { loadPlan } from "../load-pipeline.ts";
import {
  formatBytes,
  formatTable,
  painterFor,
  printJson,
  type Column,
  type OutputFormat,
} from "../output.ts";
import { findCommitted } from "../run-artifacts.ts";
import { runIdOf } from "../run-id.ts";
import { openStoreOption } from "../store-option.ts";

type PlanOptions = {
  readonly param: readonly string[];
  readonly store?: string;
  readonly output: OutputFormat;
  readonly why?: boolean;
  readonly tasks?: boolean;
  readonly memory?: boolean;
};

export async function plan(
  environment: Environment,
  [file = ""]: readonly string[],
  options: PlanOptions,
): Promise<ExitCode> {
  const loaded = await loadPlan(environment, file, options.param);
  const store = openStoreOption(options.store, environment);
  const committed = await findCommitted(store, loaded.plan);
  const changes =
    options.why === true ? await findChanges(store, loaded.plan) : null;
  const receipt = createReceipt(loaded.plan, committed);
  const memory =
    options.memory === true
      ? await environment.services.trainingMemory(loaded.plan.tasks)
      : null;
  if (options.output === "json") {
    const tasks = loaded.plan.tasks.map((task) => ({
      ...task,
      cached: committed.has(task.key),
    }));
    printJson(environment.stdout, {
      ...receipt,
      tasks,
      ...(changes && { why: changes.rows }),
      ...(memory && { memory }),
    });
    return ExitCode.done;
  }
  environment.stdout.write(formatReceipt(receipt, environment));
  if (options.tasks === true)
    environment.stdout.write(`\n${formatTasks(loaded.plan, committed)}`);
  if (memory) environment.stdout.write(`\n${formatMemory(memory)}`);
  if (changes) environment.stdout.write(`\n${formatChanges(changes)}`);
  return ExitCode.done;
}

type StageLine = {
  readonly stage: string;
  readonly kind: string;
  readonly tasks: number;
  readonly cached: number;
  readonly shared: number;
};

type Receipt = {
  readonly pipeline: string;
  readonly run: string;
  readonly digest: string;
  readonly counts: {
    readonly tasks: number;
    readonly cached: number;
    /** Computed once each: tasks that share a key count once. */
    readonly toRun: number;
  };
  readonly stages: readonly StageLine[];
  /** Names of tasks, those that are not cached. */
  readonly criticalPath: readonly string[];
};

function createReceipt(value: Plan, committed: ReadonlySet<string>): Receipt {
  const byStage = Map.groupBy(value.tasks, (task) => task.stage);
  const stages = value.stages.map(({ name, kind }) => {
    const tasks = byStage.get(name) ?? [];
    return {
      stage: name,
      kind,
      tasks: tasks.length,
      cached: tasks.filter(({ key }) => committed.has(key)).length,
      // Tasks of one key are computed once, whatever their cells are called.
      shared: tasks.length - new Set(tasks.map(({ key }) => key)).size,
    };
  });
  const open = value.tasks.filter(({ key }) => !committed.has(key));
  return {
    pipeline: value.pipeline,
    run: runIdOf(value),
    digest: value.digest,
    counts: {
      tasks: value.tasks.length,
      cached: value.tasks.length - open.length,
      toRun: new Set(open.map(({ key }) => key)).size,
    },
    stages,
    criticalPath: criticalPath(value)
      .filter((task) => !committed.has(task.key))
      .map(({ name }) => name),
  };
}

function formatReceipt(receipt: Receipt, environment: Environment): string {
  const paint = painterFor(environment.stdout, environment.variables);
  const table = formatTable(receipt.stages, [
    { title: "stage", value: ({ stage }) => stage },
    { title: "kind", value: ({ kind }) => kind },
    { title: "tasks", value: ({ tasks }) => String(tasks), align: "right" },
    { title: "cached", value: ({ cached }) => String(cached), align: "right" },
    {
      title: "to run",
      value: ({ tasks, cached }) => String(tasks - cached),
      align: "right",
    },
  ]);
  const path =
    receipt.criticalPath.length === 0
      ? "nothing to run: everything is in the store"
      : `critical path: ${receipt.criticalPath.join(" → ")}`;
  const { counts } = receipt;
  return `${paint("bold", receipt.run)}  ${counts.tasks} tasks, ${counts.cached} cached, ${counts.toRun} to run\n\n${table}\n${path}\n`;
}

function formatTasks(value: Plan, committed: ReadonlySet<string>): string {
  return formatTable(value.tasks, [
    { title: "task", value: ({ name }) => name },
    { title: "kind", value: ({ kind }) => kind },
    { title: "key", value: ({ key }) => key.slice(0, 16) },
    {
      title: "state",
      value: ({ key }) => (committed.has(key) ? "cached" : "to run"),
    },
    { title: "inputs", value: inputsOf },
  ]);
}

function inputsOf({ inputs }: Task): string {
  return Object.entries(inputs)
    .map(
      ([input, names]) =>
        `${input}=${names.length > 2 ? `${names.length} tasks` : names.join(",")}`,
    )
    .join(" ");
}

type Memory = Awaited<ReturnType<Services["trainingMemory"]>>;

function formatMemory(rows: Memory): string {
  const part = (
    title: string,
    of: Exclude<keyof TrainingMemory, "processBytes" | "peak">,
  ): Column<Memory[number]> => ({
    title,
    value: ({ memory }) => (memory ? formatBytes(memory[of]) : "-"),
    align: "right",
  });
  const table = formatTable(rows, [
    { title: "training", value: ({ task }) => task },
    part("weights", "weightsBytes"),
    part("activations", "activationsBytes"),
    part("workspace", "workspaceBytes"),
    part("in all", "totalBytes"),
    { title: "peak", value: ({ memory }) => memory?.peak ?? "-" },
  ]);
  const isUnknown = rows.some(({ memory }) => memory === null);
  return isUnknown
    ? `${table}-: the side of the images is the dataset's; declare side or crop\n`
    : table;
}

type Changes = {
  readonly against: string | null;
  readonly rows: readonly KeyChange[];
};

/** Compares with the newest other run of the same pipeline. */
async function findChanges(store: Store, value: Plan): Promise<Changes> {
  const run = runIdOf(value);
  for (const { run: other } of await listRuns(store)) {
    if (other === run || !other.startsWith(`${value.pipeline}-`)) continue;
    const before = await readPlan(store, other);
    if (before?.pipeline === value.pipeline)
      return { against: other, rows: explainKeys(before, value) };
  }
  return { against: null, rows: [] };
}

function formatChanges({ against, rows }: Changes): string {
  if (against === null)
    return "no earlier run of this pipeline with another plan is in the store\n";
  if (rows.length === 0) return `no key differs from run ${against}\n`;
  const lines = rows.map(
    ({ task, reasons }) => `  ${task}: ${reasons.join("; ")}`,
  );
  return `against run ${against}:\n${lines.join("\n")}\n`;
}
