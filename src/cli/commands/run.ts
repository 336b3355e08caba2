/**
 * `hueline run`: plans a file and drives it on this machine until it ends, joining or resuming the run that the same
 * file has. Progress on stderr; the result (status, where the report is) on stdout. 0 if everything succeeded, 1 if a
 * task failed, 143 if it was told to stop.
 */
import { ExitCode, UserError } from "../../base/errors.ts";
import { runLocally } from "../../executor/run-locally.ts";
import type { RunStatus } from "../../run/status.ts";
import { memoryBytes } from "../../spec/params/units.ts";
import { createRun } from "../../store/runs/run-records.ts";
import type { Environment } from "../environment.ts";
import { createDisplay } from "../live.ts";
import { loadPlan } from "../load-pipeline.ts";
import { painterFor, printJson, type OutputFormat } from "../output.ts";
import { runIdOf } from "../run-id.ts";
import { createRunListener } from "../run-listener.ts";
import { writeRunReports, type WrittenReport } from "../run-report.ts";
import { formatRunResult } from "../run-result.ts";
import { openStoreOption, storeUrlOf } from "../store-option.ts";
import { durationOption } from "../unit-options.ts";

type RunOptions = {
  readonly param: readonly string[];
  readonly store?: string;
  readonly output: OutputFormat;
  readonly cpus?: number;
  readonly memory?: string;
  readonly grace: string;
};

export async function run(
  environment: Environment,
  [file = ""]: readonly string[],
  options: RunOptions,
): Promise<number> {
  const { clock, stderr, stdout } = environment;
  const startedMs = clock.monotonicMs();
  const elapsedMs = (): number => clock.monotonicMs() - startedMs;
  const capacity = toCapacity(environment, options);
  const { plan, source } = await loadPlan(environment, file, options.param);
  const store = openStoreOption(options.store, environment);
  const id = runIdOf(plan);
  const created = await createRun(store, {
    run: id,
    pipelineText: source.text,
    plan,
  });
  const paint = painterFor(stderr, environment.variables);
  const display = createDisplay(stderr, paint);
  display.line(
    `${paint("bold", id)}  ${plan.tasks.length} tasks${created === "found" ? ", found in the store" : ""}`,
  );
  const status = await runLocally({
    plan,
    pipelineText: source.text,
    run: id,
    store,
    capacity,
    graceMs: durationOption("--grace", options.grace),
    host: environment.host.name,
    pid: environment.host.pid,
    command: [...environment.self, "worker"],
    clock,
    log: environment.log,
    signal: environment.signal,
    listener: createRunListener({ run: id, display, paint, elapsedMs }),
  });
  display.end();
  const reports =
    status.phase === "Succeeded"
      ? await writeRunReports(store, {
          run: id,
          plan,
          host: environment.host.name,
        })
      : [];
  if (options.output === "json") {
    printJson(stdout, {
      run: id,
      store: storeUrlOf(options.store, environment),
      wallMs: Math.round(elapsedMs()),
      status,
      reports: reports.map(toSummary),
    });
  } else {
    stdout.write(
      formatRunResult(
        { run: id, status, reports, elapsedMs: elapsedMs() },
        painterFor(stdout, environment.variables),
      ),
    );
  }
  return toExit(status, environment.signal);
}

function toCapacity(environment: Environment, options: RunOptions) {
  const { host } = environment;
  const memory =
    options.memory === undefined ? null : memoryBytes.safeParse(options.memory);
  if (memory?.success === false)
    throw new UserError({
      code: "cli.option",
      message: `--memory expects a size such as 512Mi or 8Gi, found '${options.memory ?? ""}'`,
      exitCode: ExitCode.usage,
    });
  return {
    cpu: options.cpus ?? host.cpus,
    memoryBytes: memory?.data ?? host.memoryBytes,
    gpu: 0,
  };
}

function toSummary({ task, page, value }: WrittenReport) {
  return {
    task,
    page,
    claims: value.claims.map(({ name, verdict }) => ({ name, verdict })),
  };
}

function toExit(status: RunStatus, signal: AbortSignal): number {
  if (status.phase === "Succeeded") return ExitCode.done;
  if (signal.aborted) return ExitCode.stopped;
  return 1;
}
