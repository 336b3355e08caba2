/** `hueline schedule suspend`, `resume`, `backfill`, `trigger`, `delete`: what is asked of a Schedule that is there. */
import { ExitCode, UserError } from "../../base/errors.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import { KubeRefusal } from "../../kube/refusal.ts";
import { toTime } from "../../resources/conditions.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Schedule } from "../../resources/schedule-resource.ts";
import { openCalendar } from "../../resources/schedule/moments.ts";
import { runFor } from "../../resources/schedule/run-of-moment.ts";
import { runToJson } from "../cluster/run-view.ts";
import { watchRun } from "../cluster/watch-run.ts";
import type { Environment } from "../environment.ts";
import { printJson, type OutputFormat } from "../output.ts";
import { parseMoment } from "./parse-moment.ts";

export type ChangeOptions = {
  readonly output: OutputFormat;
  readonly from?: string;
  readonly to?: string;
  readonly maxAtOnce?: number;
  readonly yes?: boolean;
  readonly watch?: boolean;
};

export type ChangeRequest = {
  readonly kube: Kube;
  readonly schedule: Schedule;
  readonly environment: Environment;
  readonly options: ChangeOptions;
};

function answer(
  { environment: { stdout }, options, schedule }: ChangeRequest,
  sentence: string,
  fields: object,
): ExitCode {
  const { name } = schedule.metadata;
  if (options.output === "json") printJson(stdout, { name, ...fields });
  else stdout.write(`${sentence}\n`);
  return ExitCode.done;
}

async function patch(
  { kube, schedule: { metadata } }: ChangeRequest,
  spec: object,
): Promise<void> {
  const { name, namespace = "" } = metadata;
  await kube.patch(resources.schedule, { name, namespace }, { spec });
}

export async function suspendSchedule(
  request: ChangeRequest,
): Promise<ExitCode> {
  await patch(request, { suspend: true });
  const { name } = request.schedule.metadata;
  const sentence = `Schedule '${name}' starts no Runs any more; those that are there go on`;
  return answer(request, sentence, { suspend: true });
}

export async function resumeSchedule(
  request: ChangeRequest,
): Promise<ExitCode> {
  await patch(request, { suspend: false });
  const { name } = request.schedule.metadata;
  return answer(request, `Schedule '${name}' starts Runs again`, {
    suspend: false,
  });
}

/** More moments than this are only counted as many. */
const MOST_COUNTED = 5000;

export async function backfillSchedule(
  request: ChangeRequest,
): Promise<ExitCode> {
  const { schedule, options } = request;
  const { spec, metadata } = schedule;
  const fromMs = parseMoment("--from", options.from, spec.timeZone);
  const toMs = parseMoment("--to", options.to, spec.timeZone);
  if (fromMs >= toMs)
    throw usage("--from must be before --to, which is not run itself");
  const { maxAtOnce } = options;
  const range = { from: toTime(fromMs), to: toTime(toMs) };
  const backfill = { ...range, maxAtOnce: maxAtOnce ?? null };
  await patch(request, { backfill });
  const moments = countMoments(spec, fromMs, toMs);
  const count = moments > MOST_COUNTED ? `more than ${MOST_COUNTED}` : moments;
  const sentence = `Schedule '${metadata.name}' runs ${count} moments from ${range.from} to ${range.to}, ${maxAtOnce ?? 1} at once; \`hueline schedule show ${metadata.name}\` tells how far it is`;
  return answer(request, sentence, { ...range, moments });
}

function countMoments(
  spec: Schedule["spec"],
  fromMs: number,
  toMs: number,
): number {
  const opened = openCalendar(spec);
  if ("problem" in opened) return 0;
  let count = 0;
  let atMs = opened.calendar.next(fromMs - 1);
  while (atMs !== null && atMs < toMs && count <= MOST_COUNTED) {
    count++;
    atMs = opened.calendar.next(atMs);
  }
  return count;
}

/** A Run of this minute, as if the clock had asked for it: its params say the same, and policies count it. */
export async function triggerSchedule(request: ChangeRequest): Promise<number> {
  const { kube, schedule, environment, options } = request;
  const minuteMs = Math.floor(environment.clock.now() / 60_000) * 60_000;
  const wanted = runFor(schedule, { atMs: minuteMs, isBackfill: false });
  const run = await createOnce(kube, withoutBlock(wanted));
  const { name } = run.metadata;
  if (options.watch === true)
    return await watchRun(kube, run, environment, options.output);
  if (options.output === "json") printJson(environment.stdout, runToJson(run));
  else
    environment.stdout.write(
      `Run '${name}' is started; \`hueline status ${name} --cluster -w\` follows it\n`,
    );
  return ExitCode.done;
}

/** To block the owner's deletion is a right of its own, which an editor need not have. */
function withoutBlock(run: Run): Run {
  const ownerReferences = run.metadata.ownerReferences?.map((owner) => ({
    ...owner,
    blockOwnerDeletion: false,
  }));
  return {
    ...run,
    metadata: { ...run.metadata, ...(ownerReferences && { ownerReferences }) },
  };
}

async function createOnce(kube: Kube, run: Run): Promise<Run> {
  try {
    return await kube.create(resources.run, run);
  } catch (thrown) {
    const isThere =
      thrown instanceof KubeRefusal && thrown.reason === "AlreadyExists";
    if (!isThere) throw thrown;
    throw new UserError({
      code: "schedule.triggered",
      message: `the Schedule has a Run of this minute already: '${run.metadata.name}'`,
      hint: `\`hueline status ${run.metadata.name} --cluster\` shows it; a minute later there can be another`,
      cause: thrown,
    });
  }
}

export async function deleteSchedule(
  request: ChangeRequest,
): Promise<ExitCode> {
  const { kube, schedule, environment, options } = request;
  const { name, namespace = "", uid = "" } = schedule.metadata;
  const active = schedule.status?.active ?? [];
  if (active.length > 0 && options.yes !== true) {
    const question = `${active.length} Runs of it go on and would be stopped: ${active.join(", ")}. Delete? [y/N] `;
    const said = await environment.ask(question);
    if (!/^y(es)?$/i.test((said ?? "").trim()))
      throw usage(
        `nothing was deleted: Runs of the Schedule '${name}' go on (${active.join(", ")}), and would be stopped; --yes deletes it all the same`,
      );
  }
  await kube.remove(resources.schedule, { name, namespace }, { uid });
  const { pipelineFrom } = schedule.spec.run.spec;
  const pinned =
    pipelineFrom === undefined
      ? ""
      : `; its pipeline file is still pinned there, unless another Schedule has it: hueline unpin ${pipelineFrom.sha256}`;
  const sentence = `Schedule '${name}' is deleted, and with it its Runs; what they have computed is in the store${pinned}`;
  return answer(request, sentence, { deleted: true });
}

function usage(message: string): UserError {
  return new UserError({
    code: "cli.option",
    message,
    exitCode: ExitCode.usage,
  });
}
