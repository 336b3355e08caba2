/** Where the logs of a Run's tasks come from: its pods, and its records in the store where those can be read. */
import { toError, UserError } from "../../base/errors.ts";
import type { Pod } from "../../executor/jobs/job.ts";
import type { Kube } from "../../kube/kube.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Run } from "../../resources/run-resource.ts";
import { isCommitted } from "../../store/artifacts/manifest.ts";
import { readPlan } from "../../store/runs/run-records.ts";
import { toRunStore } from "../cluster/open-cluster-run.ts";
import type { Environment } from "../environment.ts";
import type { RunStore } from "../open-run.ts";
import type { OutputFormat } from "../output.ts";
import { createLinePrinter } from "./line-printer.ts";
import { createTaskNames, stageOf, type TaskNames } from "./run-pods.ts";
import { openStoredLogs } from "./stored-logs.ts";
import { createTaskLog, type TaskLog } from "./task-log.ts";

/** What is shown of a Run, and where it comes from. */
export type LogSource = {
  readonly kube: Kube;
  readonly run: Run;
  readonly environment: Environment;
  /** A task or a stage; null: all. */
  readonly wanted: string | null;
  /** Of these, those that are known; null: only pods tell. */
  readonly tasks: readonly string[] | null;
  readonly names: TaskNames;
  /** The one log of a task. */
  logOf(task: string): TaskLog;
  linesShown(): number;
  /** Whether a task's result is in the store; false where that cannot be known. */
  isDone(task: string): Promise<boolean>;
};

type Records = RunStore & { readonly plan: Plan };

/** Null: they cannot be read, which is said. */
async function openRecords(
  run: Run,
  environment: Environment,
): Promise<Records | null> {
  const place = toRunStore(run, environment);
  if (place === null) return null;
  try {
    const plan = await readPlan(place.store, place.run);
    if (plan !== null) return { ...place, plan };
    sayUnread(place, "there is no such run", environment);
  } catch (thrown) {
    const { message } = toError(thrown);
    const hint = thrown instanceof UserError ? thrown.hint : null;
    sayUnread(
      place,
      hint === null ? message : `${message}; ${hint}`,
      environment,
    );
  }
  return null;
}

function sayUnread(
  { store, run }: RunStore,
  why: string,
  { stderr }: Environment,
): void {
  stderr.write(
    `only pods that are still there are shown; the rest is run '${run}' of ${store.url}, which cannot be read: ${why}\n`,
  );
}

export async function openLogSource(options: {
  readonly kube: Kube;
  readonly run: Run;
  readonly environment: Environment;
  readonly pods: readonly Pod[];
  readonly wanted: string | null;
  readonly output: OutputFormat;
}): Promise<LogSource> {
  const { kube, run, environment, pods, wanted, output } = options;
  const stored = await openRecords(run, environment);
  const names = createTaskNames(stored);
  const tasks =
    stored?.plan.tasks
      .filter(({ name, stage }) => [name, stage, null].includes(wanted))
      .map(({ name }) => name) ?? null;
  if (wanted !== null) await checkKnown(wanted, { run, pods, tasks, names });
  const logs = stored && openStoredLogs(stored.store, stored.run);
  const isOnly = tasks?.length === 1 || (tasks === null && wanted !== null);
  const print = createLinePrinter(environment, { output, isOnly });
  const known = new Map<string, TaskLog>();
  let shown = 0;
  const open = (task: string): TaskLog =>
    createTaskLog(
      async () => (await logs?.readNew(task)) ?? [],
      (line) => {
        shown++;
        print(task, line);
      },
    );
  return {
    kube,
    run,
    environment,
    wanted,
    tasks,
    names,
    logOf(task) {
      const log = known.get(task) ?? open(task);
      known.set(task, log);
      return log;
    },
    linesShown: () => shown,
    async isDone(task) {
      const key = stored?.plan.tasks.find(({ name }) => name === task)?.key;
      return key !== undefined && stored !== null
        ? await isCommitted(stored.store, key)
        : false;
    },
  };
}

/** Throws `run.no-task` (UserError) for a name that nothing has. */
async function checkKnown(
  wanted: string,
  seen: {
    readonly run: Run;
    readonly pods: readonly Pod[];
    readonly tasks: readonly string[] | null;
    readonly names: TaskNames;
  },
): Promise<void> {
  const { run, pods, tasks, names } = seen;
  const stages = run.status?.stages?.map(({ stage }) => stage) ?? [];
  const noted = run.status?.notes?.map(({ task }) => task) ?? [];
  const told = [...stages, ...noted];
  if (tasks !== null ? tasks.length > 0 : told.includes(wanted)) return;
  if (tasks === null)
    for (const pod of pods) if ((await names.of(pod)) === wanted) return;
  throw new UserError({
    code: "run.no-task",
    message: `${tasks === null ? "no pod that is still there belongs to" : `the Run '${run.metadata.name}' has no task or stage`} '${wanted}'`,
    hint: `stages are: ${stages.join(", ")}`,
  });
}

/** Whether a pod is of what is wanted. */
export async function isWanted(
  { wanted, names }: Pick<LogSource, "wanted" | "names">,
  pod: Pod,
): Promise<boolean> {
  return (
    wanted === null ||
    stageOf(pod) === wanted ||
    (await names.of(pod)) === wanted
  );
}
