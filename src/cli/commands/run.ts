/**
 * `hueline run`: plans a file and drives it on this machine until it ends, joining or resuming the run that the same
 * file has. Progress on stderr; the result (status, where the report is) on stdout. 0 if everything succeeded, 1 if a
 * task failed, 143 if it was told to stop.
 */
import { ExitCode, UserError } from "../../base/errors.ts";
import type { DriveEvent } from "../../executor/drive.ts";
import { runLocally } from "../../executor/run-locally.ts";
import type { Plan } from "../../plan/plan.ts";
import type { RunStatus } from "../../run/status.ts";
import { memoryBytes } from "../../spec/units.ts";
import { openStore } from "../../store/open-store.ts";
import { createRun } from "../../store/run-records.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import { createDisplay, type Display } from "../live.ts";
import { loadPlan } from "../load-pipeline.ts";
import {
  formatDuration,
  painterFor,
  printJson,
  type OutputFormat,
  type Paint,
} from "../output.ts";
import { runIdOf } from "../run-id.ts";
import { writeRunReports, type WrittenReport } from "../run-report.ts";
import { storeUrlOf } from "../store-option.ts";
import { formatStatus } from "./status.ts";

type RunOptions = {
  readonly param: readonly string[];
  readonly store?: string;
  readonly output: OutputFormat;
  readonly cpus?: number;
  readonly memory?: string;
};

/** Plain lines say how long work goes on this often. */
const PLAIN_PROGRESS_MS = 15_000;

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
  const url = storeUrlOf(options.store, environment);
  const store = openStore(url, { currentFolder: environment.currentDirectory });
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
    run: id,
    store,
    capacity,
    host: environment.host.name,
    pid: environment.host.pid,
    command: [...environment.self, "worker"],
    clock,
    log: environment.log,
    signal: environment.signal,
    listener: createListener({ id, display, paint, elapsedMs }),
  });
  display.end();
  const reports = await renderReports(environment, {
    store,
    id,
    plan,
    status,
    wallMs: elapsedMs(),
  });
  if (options.output === "json") {
    printJson(stdout, {
      run: id,
      store: url,
      wallMs: Math.round(elapsedMs()),
      status,
      reports: reports.map(toSummary),
    });
  } else {
    stdout.write(
      formatResult(
        { id, status, reports, elapsedMs: elapsedMs() },
        painterFor(stdout, environment.variables),
      ),
    );
  }
  return toExit(status, environment.signal);
}

function toCapacity(environment: Environment, options: RunOptions) {
  const { host } = environment;
  const cpu = options.cpus ?? host.cpus;
  if (!Number.isInteger(cpu) || cpu < 1)
    throw usageError(
      `--cpus expects a whole number from 1, found '${String(options.cpus)}'`,
    );
  const memory =
    options.memory === undefined ? null : memoryBytes.safeParse(options.memory);
  if (memory?.success === false)
    throw usageError(
      `--memory expects a size such as 512Mi or 8Gi, found '${options.memory ?? ""}'`,
    );
  return { cpu, memoryBytes: memory?.data ?? host.memoryBytes, gpu: 0 };
}

function usageError(message: string): UserError {
  return new UserError({
    code: "cli.option",
    message,
    exitCode: ExitCode.usage,
  });
}

/** Turns what the driver says into lines and the live block. */
function createListener(options: {
  readonly id: string;
  readonly display: Display;
  readonly paint: Paint;
  readonly elapsedMs: () => number;
}): (event: DriveEvent) => void {
  const { id, display, paint, elapsedMs } = options;
  const stamp = (): string =>
    paint("dim", formatDuration(elapsedMs()).padStart(8));
  let lastPlainMs = 0;
  return (event) => {
    switch (event.kind) {
      case "driving":
        return;
      case "following":
        display.line(`this run is driven by ${event.driver}: following it`);
        return;
      case "transition": {
        const name = event.task === null ? "" : `${event.task} `;
        const what =
          event.task === null
            ? event.reason
            : `${describe(event.from, event.to)}${event.reason === "" ? "" : `: ${event.reason}`}`;
        const colour =
          event.to === "Failed"
            ? "red"
            : event.to === "Succeeded"
              ? "green"
              : "cyan";
        display.line(`${stamp()}  ${name}${paint(colour, what)}`);
        return;
      }
      case "status": {
        const { status, progress } = event;
        display.draw({ run: id, status, progress, elapsedMs: elapsedMs() });
        if (
          !display.isLive &&
          elapsedMs() - lastPlainMs >= PLAIN_PROGRESS_MS &&
          progress.length > 0
        ) {
          lastPlainMs = elapsedMs();
          for (const { task, step, steps, detail } of progress)
            display.line(`${stamp()}  ${task} ${step}/${steps} ${detail}`);
        }
        return;
      }
    }
  };
}

function describe(from: string, to: string): string {
  if (to === "Running") return "started";
  if (to === "Succeeded") return "done";
  if (to === "Pending")
    return from === "Running" ? "will be tried again" : "waits";
  return to.toLowerCase();
}

async function renderReports(
  { clock, host }: Environment,
  options: {
    readonly store: Store;
    readonly id: string;
    readonly plan: Plan;
    readonly status: RunStatus;
    readonly wallMs: number;
  },
): Promise<readonly WrittenReport[]> {
  if (options.status.phase !== "Succeeded") return [];
  return await writeRunReports(options.store, {
    run: options.id,
    plan: options.plan,
    facts: {
      host: host.name,
      finishedAtMs: clock.now(),
      wallMs: options.wallMs,
    },
  });
}

function toSummary({ task, page, value }: WrittenReport) {
  return {
    task,
    page,
    claims: value.claims.map(({ name, verdict }) => ({ name, verdict })),
  };
}

function formatResult(
  view: {
    readonly id: string;
    readonly status: RunStatus;
    readonly reports: readonly WrittenReport[];
    readonly elapsedMs: number;
  },
  paint: Paint,
): string {
  const { id, status, reports, elapsedMs } = view;
  const { counts } = status;
  if (status.phase !== "Succeeded")
    return formatStatus({ run: id, status, ageMs: 0 }, paint);
  const how =
    counts.cached === counts.total
      ? `everything was cached: ${counts.total} tasks`
      : `${counts.total} tasks, ${counts.cached} of them cached`;
  const lines = [
    `${paint("bold", id)}  ${paint("green", "Succeeded")} in ${formatDuration(elapsedMs)}: ${how}`,
  ];
  for (const { value, page } of reports) {
    for (const claim of value.claims) {
      const colour =
        claim.verdict === "holds"
          ? "green"
          : claim.verdict === "fails"
            ? "red"
            : "yellow";
      lines.push(
        `  ${paint(colour, claim.verdict.padEnd(9))} ${claim.name}: ${claim.because}`,
      );
    }
    lines.push(`report: ${page}`);
  }
  return `${lines.join("\n")}\n`;
}

function toExit(status: RunStatus, signal: AbortSignal): number {
  if (status.phase === "Succeeded") return ExitCode.done;
  if (signal.aborted) return ExitCode.stopped;
  return 1;
}
