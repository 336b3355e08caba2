/**
 * `hueline logs`: what the tasks of a run wrote, from the store, so that it works while they run and long after.
 * `-f` goes on until the tasks that were named, or without a name the run, have ended.
 */
import { mapBounded } from "../../base/async.ts";
import { ExitCode, UserError } from "../../base/errors.ts";
import type { Task } from "../../plan/plan.ts";
import { isCommitted } from "../../store/artifacts/manifest.ts";
import { readStatus } from "../../store/runs/run-records.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import { createLinePrinter } from "../logs/line-printer.ts";
import { openStoredLogs } from "../logs/stored-logs.ts";
import { isOver } from "../look-at-run.ts";
import type { OutputFormat } from "../output.ts";
import { loadRun } from "../run-artifacts.ts";
import { openStoreOption } from "../store-option.ts";

const LOOK_EVERY_MS = 500;

export async function logs(
  environment: Environment,
  [given = "", task]: readonly string[],
  options: {
    readonly store?: string;
    readonly output: OutputFormat;
    readonly follow?: boolean;
  },
): Promise<ExitCode> {
  const store = openStoreOption(options.store, environment);
  const { run, plan } = await loadRun(store, given);
  const tasks = plan.tasks.filter(
    ({ name, stage }) => task === undefined || name === task || stage === task,
  );
  if (tasks.length === 0) {
    throw new UserError({
      code: "run.no-task",
      message: `run '${run}' has no task or stage '${task ?? ""}'`,
      hint: `one of: ${plan.stages.map(({ name }) => name).join(", ")}`,
    });
  }
  const names = tasks.map(({ name }) => name);
  const logs = openStoredLogs(store, run);
  const print = createLinePrinter(environment, {
    output: options.output,
    isOnly: names.length === 1,
  });
  /** How many lines were new. */
  const tail = async (): Promise<number> => {
    let shown = 0;
    for (const name of names)
      for (const line of await logs.readNew(name)) {
        print(name, line);
        shown++;
      }
    return shown;
  };
  const hasEnded = async (): Promise<boolean> =>
    task === undefined
      ? isOver((await readStatus(store, run))?.status ?? null)
      : await haveEnded(store, run, tasks);
  const shown = await tail();
  if (options.follow === true) {
    while (!environment.signal.aborted && !(await hasEnded())) {
      await environment.clock.sleep(LOOK_EVERY_MS, environment.signal);
      await tail();
    }
    await tail();
  } else if (shown === 0) {
    environment.stderr.write(
      `no logs yet of ${names.length === 1 ? (names[0] ?? "") : `${names.length} tasks`}: found in the store, or not started\n`,
    );
  }
  return ExitCode.done;
}

const LOOKUPS_IN_FLIGHT = 8;

/** Whether all of these are committed, or have failed; the run's end is the end of all. */
async function haveEnded(
  store: Store,
  run: string,
  tasks: readonly Task[],
): Promise<boolean> {
  const status = (await readStatus(store, run))?.status ?? null;
  if (isOver(status)) return true;
  const failed = new Set(
    status?.notes.flatMap(({ task, phase }) =>
      phase === "Failed" || phase === "Skipped" ? [task] : [],
    ),
  );
  const open = tasks.filter(({ name }) => !failed.has(name));
  const found = await mapBounded(
    open,
    LOOKUPS_IN_FLIGHT,
    async ({ key }) => await isCommitted(store, key),
  );
  return found.every((committed) => committed);
}
