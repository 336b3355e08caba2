/**
 * `hueline logs`: what the tasks of a run wrote, from the store, so that it works while they run and long after.
 * `-f` goes on until the tasks that were named, or without a name the run, have ended.
 */
import { mapBounded } from "../../base/async.ts";
import { ExitCode, UserError } from "../../base/errors.ts";
import type { Task } from "../../plan/plan.ts";
import { isCommitted } from "../../store/artifacts/manifest.ts";
import { layout } from "../../store/layout.ts";
import { readStatus } from "../../store/runs/run-records.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import { formatLogLine, toJsonLine } from "../log-line.ts";
import { isOver } from "../look-at-run.ts";
import { painterFor, type OutputFormat } from "../output.ts";
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
  const tail = createTail(store, run, { environment, output: options.output });
  const hasEnded = async (): Promise<boolean> =>
    task === undefined
      ? isOver((await readStatus(store, run))?.status ?? null)
      : await haveEnded(store, run, tasks);
  const shown = await tail(names);
  if (options.follow === true) {
    while (!environment.signal.aborted && !(await hasEnded())) {
      await environment.clock.sleep(LOOK_EVERY_MS, environment.signal);
      await tail(names);
    }
    await tail(names);
  } else if (shown === 0) {
    environment.stderr.write(
      `no logs yet of ${names.length === 1 ? (names[0] ?? "") : `${names.length} tasks`}: found in the store, or not started\n`,
    );
  }
  return ExitCode.done;
}

/** Writes what has been added since the last call; returns how many bytes. */
function createTail(
  store: Store,
  run: string,
  {
    environment,
    output,
  }: { readonly environment: Environment; readonly output: OutputFormat },
) {
  const offsets = new Map<string, number>();
  const { stdout, variables } = environment;
  const paint = painterFor(stdout, variables);
  // People get words. Elsewhere lines are as the workers wrote them; with `-o json` each one is JSON that names its task.
  const format = (line: string, task: string, isOnly: boolean): string => {
    if (output === "json") return toJsonLine(line, task);
    const shown = stdout.isTerminal ? formatLogLine(line, paint) : line;
    return isOnly ? shown : `[${task}] ${shown}`;
  };
  return async (tasks: readonly string[]): Promise<number> => {
    let written = 0;
    for (const task of tasks) {
      const path = layout.runLog(run, task);
      const from = offsets.get(task) ?? 0;
      const size = (await store.stat(path))?.sizeBytes ?? 0;
      if (size <= from) continue;
      const bytes = await store.read(path, {
        offset: from,
        length: size - from,
      });
      // Whole lines only: the rest comes with the next look.
      const end = (bytes?.lastIndexOf(0x0a) ?? -1) + 1;
      if (bytes === null || end === 0) continue;
      offsets.set(task, from + end);
      written += end;
      const lines = new TextDecoder()
        .decode(bytes.subarray(0, end))
        .trimEnd()
        .split("\n");
      for (const line of lines)
        stdout.write(`${format(line, task, tasks.length === 1)}\n`);
    }
    return written;
  };
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
