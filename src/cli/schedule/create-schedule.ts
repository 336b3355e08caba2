/** `hueline schedule create`: the pipeline, the clock and the words in params are checked before anything is sent. */
import { ExitCode, UserError } from "../../base/errors.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import type { RunSpec } from "../../resources/run-resource.ts";
import type {
  Schedule,
  ScheduleSpec,
} from "../../resources/schedule-resource.ts";
import { openCalendar } from "../../resources/schedule/moments.ts";
import { findUnknownWords } from "../../resources/schedule/run-of-moment.ts";
import { toTime } from "../../resources/conditions.ts";
import type { Environment } from "../environment.ts";
import { parseOrThrow, readPipelineFile } from "../load-pipeline.ts";
import { printJson, type OutputFormat } from "../output.ts";
import { toPipelineField } from "../submit/pipeline-field.ts";
import { checkName } from "../submit/run-object.ts";
import { toRunSpec, type RunOptions } from "../submit/run-spec.ts";
import { durationOption } from "../unit-options.ts";

export type CreateOptions = RunOptions & {
  readonly output: OutputFormat;
  readonly cron?: string;
  readonly timeZone?: string;
  readonly concurrency?: "Allow" | "Forbid" | "Replace";
  readonly jitter?: string;
  readonly deadline?: string;
  readonly dryRun?: boolean;
};

export async function createSchedule(request: {
  readonly kube: Kube;
  readonly name: string | undefined;
  readonly file: string | undefined;
  readonly environment: Environment;
  readonly options: CreateOptions;
}): Promise<ExitCode> {
  const { kube, name, file, environment, options } = request;
  if (name === undefined || file === undefined)
    throw usage("expected `hueline schedule create NAME FILE --cron FIELDS`");
  checkName(name);
  const source = await readPipelineFile(file, environment);
  parseOrThrow(source, options.param);
  const clock = toClock(options);
  const isDryRun = options.dryRun === true;
  const field = await toPipelineField(source, {
    storeUrl: options.store,
    isKept: !isDryRun,
    pinnedFor: `the Schedule '${name}' of namespace '${kube.namespace}'`,
    environment,
  });
  const run: RunSpec = { ...toRunSpec(options), ...field };
  const spec: ScheduleSpec = { ...clock, run: { spec: run } };
  const [problem] = findUnknownWords(spec);
  if (problem !== undefined) throw usage(problem);
  const { apiVersion, kind } = resources.schedule;
  const { namespace } = kube;
  const wanted = { apiVersion, kind, metadata: { name, namespace }, spec };
  const created = await kube.create<Schedule>(resources.schedule, wanted, {
    dryRun: isDryRun,
  });
  print(created, { environment, options, isDryRun });
  return ExitCode.done;
}

/** When Runs start. Throws `cli.option` (UserError). */
function toClock(options: CreateOptions): Omit<ScheduleSpec, "run"> {
  const { cron, timeZone, concurrency, jitter, deadline } = options;
  if (cron === undefined)
    throw usage("expected --cron, such as --cron '30 2 * * MON-FRI'");
  const clock = {
    schedule: cron,
    ...(timeZone !== undefined && { timeZone }),
    ...(concurrency !== undefined && { concurrencyPolicy: concurrency }),
    ...(jitter !== undefined && {
      jitterSeconds: toSeconds("--jitter", jitter),
    }),
    ...(deadline !== undefined && {
      startingDeadlineSeconds: toSeconds("--deadline", deadline),
    }),
  };
  const opened = openCalendar(clock);
  if ("problem" in opened) throw usage(opened.problem);
  return clock;
}

function toSeconds(option: string, text: string): number {
  return Math.ceil(durationOption(option, text) / 1000);
}

function print(
  { metadata: { name }, spec }: Schedule,
  {
    environment: { stdout, clock },
    options: { output },
    isDryRun,
  }: {
    readonly environment: Environment;
    readonly options: CreateOptions;
    readonly isDryRun: boolean;
  },
): void {
  const opened = openCalendar(spec);
  const nextMs =
    "calendar" in opened ? opened.calendar.next(clock.now()) : null;
  const next = nextMs === null ? null : toTime(nextMs);
  if (output === "json") printJson(stdout, { name, spec, next });
  else if (isDryRun)
    stdout.write(
      `the server would accept the Schedule '${name}'; nothing was created\n`,
    );
  else
    stdout.write(
      `Schedule '${name}' is there; its first Run starts ${next === null ? "never: there is no such moment" : `at ${next}`}\n`,
    );
}

function usage(message: string): UserError {
  return new UserError({
    code: "cli.option",
    message,
    exitCode: ExitCode.usage,
  });
}
