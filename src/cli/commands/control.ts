/** `hueline cancel` and `hueline retry`: what people ask of a run, as a record that its driver reads. */
import { ExitCode, UserError } from "../../base/errors.ts";
import { isTerminal } from "../../run/to-status.ts";
import { requestCancel, requestRetry } from "../../store/runs/run-control.ts";
import { readStatus } from "../../store/runs/run-records.ts";
import type { Environment } from "../environment.ts";
import { lookAtRun } from "../look-at-run.ts";
import { printJson, type OutputFormat } from "../output.ts";
import { loadRun } from "../run-artifacts.ts";
import { openStoreOption } from "../store-option.ts";

type ControlOptions = {
  readonly store?: string;
  readonly output: OutputFormat;
};

export async function cancel(
  environment: Environment,
  [given = ""]: readonly string[],
  options: ControlOptions,
): Promise<ExitCode> {
  const store = openStoreOption(options.store, environment);
  const { run } = await loadRun(store, given);
  const phase = (await readStatus(store, run))?.status.phase ?? "Pending";
  if (isTerminal(phase)) {
    report(
      environment,
      options,
      { run, phase },
      `run ${run} has ended already: ${phase}`,
    );
    return ExitCode.done;
  }
  const { driver } = await lookAtRun(store, run, environment);
  if (driver === null) {
    report(
      environment,
      options,
      { run, phase, driver },
      `nobody drives run ${run} now: there is nothing to stop`,
    );
    return ExitCode.done;
  }
  await requestCancel(store, run);
  report(
    environment,
    options,
    { run, cancel: true },
    `run ${run} stops after a checkpoint; run the file again to resume it`,
  );
  return ExitCode.done;
}

export async function retry(
  environment: Environment,
  [given = "", task]: readonly string[],
  options: ControlOptions,
): Promise<ExitCode> {
  const store = openStoreOption(options.store, environment);
  const { run, plan } = await loadRun(store, given);
  if (task !== undefined && !plan.tasks.some(({ name }) => name === task)) {
    throw new UserError({
      code: "run.no-task",
      message: `run '${run}' has no task '${task}'`,
      hint: `hueline status ${run} names those that failed`,
    });
  }
  await requestRetry(store, {
    run,
    task: task ?? "*",
    atMs: environment.clock.now(),
  });
  const what =
    task === undefined
      ? `the failed tasks of run ${run}`
      : `task ${task} of run ${run}`;
  report(
    environment,
    options,
    { run, task: task ?? "*" },
    `${what} may be tried again: run the pipeline file again, or wait if it runs`,
  );
  return ExitCode.done;
}

function report(
  environment: Environment,
  options: ControlOptions,
  value: unknown,
  sentence: string,
): void {
  if (options.output === "json") printJson(environment.stdout, value);
  else environment.stdout.write(`${sentence}\n`);
}
