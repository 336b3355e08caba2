/**
 * The records of a run: what it was asked to do (pipeline, plan), what was last seen of it (status), what happened
 * (`run-events.ts`), what its tasks are told (descriptions) and say (logs, by `Store.append`), and what people ask of
 * it (`run-control.ts`). Artifacts do not depend on any of it: a run's folder can be removed and nothing is lost but history.
 *
 * A run exists when its `plan.json` is there; it is written once and last. Everything else has one writer, the driver
 * that holds the run's lease, which is a claim like any other, on the key `run-<run>`.
 */
import { z } from "zod";
import { mapBounded } from "../../base/async.ts";
import type { Clock } from "../../base/clock.ts";
import { toError, UserError } from "../../base/errors.ts";
import { findPlanProblem } from "../../plan/check-plan.ts";
import type { Plan } from "../../plan/plan.ts";
import { planFromJson, planToJson } from "../../plan/serialize.ts";
import type { TaskDescription } from "../../plan/task-description.ts";
import type { RunStatus } from "../../run/status.ts";
import { takeClaim } from "../claims/claims.ts";
import type { TakeOutcome } from "../claims/claims.ts";
import { isTooDeep, readJson, toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";

const readsInFlight = 16;

/** `status.json`. */
export type StatusRecord = {
  readonly version: 1;
  readonly run: string;
  readonly updatedAtMs: number;
  readonly status: RunStatus;
};

export type RunSummary = {
  readonly run: string;
  readonly createdAtMs: number;
  /** Null: no driver has reported yet. */
  readonly last: StatusRecord | null;
};

const count = z.int().nonnegative();
/** Whatever a status may lack or have more, its readers find what they read, and of the right kind. */
const statusSchema = z.looseObject({
  version: z.literal(1),
  run: z.string(),
  updatedAtMs: z.number(),
  status: z.looseObject({
    phase: z.enum([
      "Pending",
      "Running",
      "Suspended",
      "Succeeded",
      "Failed",
      "Cancelled",
    ]),
    reason: z.string(),
    counts: z.object({
      total: count,
      cached: count,
      Pending: count,
      Running: count,
      Succeeded: count,
      Failed: count,
      Skipped: count,
      Cancelled: count,
    }),
    stages: z.array(
      z.looseObject({
        stage: z.string(),
        kind: z.string(),
        tasks: count,
        succeeded: count,
        cached: count,
        running: count,
        failed: count,
      }),
    ),
    notes: z.array(
      z.looseObject({
        task: z.string(),
        phase: z.string(),
        reason: z.string(),
        attempts: count,
      }),
    ),
  }),
});
export const descriptionSchema = z.looseObject({
  run: z.string(),
  pipeline: z.string(),
  task: z.looseObject({ name: z.string(), kind: z.string(), key: z.string() }),
  inputs: z.record(z.string(), z.array(z.looseObject({ key: z.string() }))),
});

/**
 * Records a run, or finds it recorded. Throws `run.other-plan` (UserError) if the id belongs to a run of another plan.
 */
export async function createRun(
  store: Store,
  options: {
    readonly run: string;
    /** The file as the user wrote it. */
    readonly pipelineText: string;
    readonly plan: Plan;
  },
): Promise<"created" | "found"> {
  const { run, pipelineText, plan } = options;
  const found = await readPlan(store, run);
  if (found) return checkSamePlan(run, found, plan);
  const text = new TextEncoder().encode(pipelineText);
  await store.put(layout.runPipeline(run), text);
  const bytes = new TextEncoder().encode(planToJson(plan));
  const outcome = await store.putIfAbsent(layout.runPlan(run), bytes);
  if (outcome === "written") return "created";
  const raced = await readPlan(store, run);
  return raced ? checkSamePlan(run, raced, plan) : "found";
}

/** The plan of a run, or null if there is no such run. Bytes without the digest they claim are `run.corrupt`. */
export async function readPlan(
  store: Store,
  run: string,
): Promise<Plan | null> {
  const path = layout.runPlan(run);
  const bytes = await store.read(path);
  if (bytes === null) return null;
  if (isTooDeep(bytes)) throw notARecord(store, path, "it is nested too deep");
  const plan = toPlan(bytes, (problem) => notARecord(store, path, problem));
  const problem = findPlanProblem(plan);
  if (problem !== null) throw notARecord(store, path, problem);
  return plan;
}

function toPlan(bytes: Uint8Array, refuse: (problem: string) => Error): Plan {
  try {
    return planFromJson(new TextDecoder().decode(bytes));
  } catch (thrown) {
    throw refuse(toError(thrown).message);
  }
}

/** The pipeline file of a run as it was written, or null. */
export async function readPipelineText(
  store: Store,
  run: string,
): Promise<string | null> {
  const bytes = await store.read(layout.runPipeline(run));
  return bytes && new TextDecoder().decode(bytes);
}

/** Replaces `status.json`. */
export async function writeStatus(
  store: Store,
  options: {
    readonly run: string;
    readonly status: RunStatus;
    readonly clock: Clock;
  },
): Promise<void> {
  const { run, status, clock } = options;
  const record: StatusRecord = {
    version: 1,
    run,
    updatedAtMs: clock.now(),
    status,
  };
  await store.put(layout.runStatus(run), toJsonBytes(record));
}

export async function readStatus(
  store: Store,
  run: string,
): Promise<StatusRecord | null> {
  return (await readObject(
    store,
    layout.runStatus(run),
    statusSchema,
  )) as StatusRecord | null;
}

/** What a worker is told. Written before each attempt; the same bytes for the same plan. */
export async function writeTaskDescription(
  store: Store,
  description: TaskDescription,
): Promise<void> {
  const path = layout.runTask(description.run, description.task.name);
  await store.put(path, toJsonBytes(description));
}

/** Throws `run.no-task` (UserError) if the run has no such description. */
export async function readTaskDescription(
  store: Store,
  run: string,
  task: string,
): Promise<TaskDescription> {
  const path = layout.runTask(run, task);
  const found = await readObject(store, path, descriptionSchema);
  if (found) return found as unknown as TaskDescription;
  throw new UserError({
    code: "run.no-task",
    message: `there is no task '${task}' of run '${run}': '${path}' is not in ${store.url}`,
    hint: "a worker is started by `hueline run`, which writes that object first",
  });
}

/** All runs of the store, newest first. */
export async function listRuns(store: Store): Promise<RunSummary[]> {
  const names = await store.listFolders("runs/");
  const found = await mapBounded(names, readsInFlight, async (run) => {
    const plan = await store.stat(layout.runPlan(run));
    if (plan === null) return null;
    const last = await readStatus(store, run);
    return { run, createdAtMs: plan.modifiedAtMs, last };
  });
  return found
    .filter((summary) => summary !== null)
    .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.run < b.run ? -1 : 1));
}

/**
 * The id of the run that a person means: the id itself, the beginning of only one, the name of a pipeline (its newest
 * run), or nothing (the newest run of all). Throws `run.none`, `run.unknown` or `run.ambiguous` (UserError).
 */
export async function findRun(
  store: Store,
  given: string | null,
): Promise<string> {
  const runs = await listRuns(store);
  const [newest] = runs;
  if (!newest)
    throw new UserError({
      code: "run.none",
      message: `there is no run in ${store.url}`,
      hint: "start one with `hueline run FILE`, or name another store with --store",
    });
  if (given === null || runs.some(({ run }) => run === given))
    return given ?? newest.run;
  const ofPipeline = runs.find(({ run }) => toPipelineName(run) === given);
  if (ofPipeline) return ofPipeline.run;
  const matches = runs.filter(({ run }) => run.startsWith(given));
  if (matches.length === 1 && matches[0]) return matches[0].run;
  const shown = matches.length > 0 ? matches : runs;
  const names = shown.slice(0, 5).map(({ run }) => run);
  throw new UserError({
    code: matches.length > 0 ? "run.ambiguous" : "run.unknown",
    message:
      matches.length > 0
        ? `'${given}' is the beginning of ${matches.length} runs: ${names.join(", ")}${matches.length > 5 ? ", …" : ""}`
        : `there is no run '${given}' in ${store.url}; the newest are ${names.join(", ")}`,
    hint: "`hueline status` lists the runs of a store",
  });
}

/** The right to drive a run: taken, held and lost like the claim on a task's key. */
export function takeRunLease(
  store: Store,
  run: string,
  owner: Parameters<typeof takeClaim>[2],
  options: Parameters<typeof takeClaim>[3],
): Promise<TakeOutcome> {
  return takeClaim(store, toLeaseKey(run), owner, options);
}

/** The key under which `claims.ts` keeps the lease of a run: `layout.claim` of it is `layout.runLease`. */
export function toLeaseKey(run: string): string {
  return `run-${run}`;
}

function toPipelineName(run: string): string {
  return run.replace(/-[0-9a-f]{8}$/, "");
}

function checkSamePlan(run: string, found: Plan, plan: Plan): "found" {
  if (found.digest === plan.digest) return "found";
  throw new UserError({
    code: "run.other-plan",
    message: `run '${run}' exists with another plan: digest ${found.digest.slice(0, 16)}…, not ${plan.digest.slice(0, 16)}…`,
    hint: "give the pipeline another name, or name another store with --store",
  });
}

async function readObject<S extends z.ZodType>(
  store: Store,
  path: string,
  schema: S,
): Promise<z.output<S> | null> {
  const bytes = await store.read(path);
  if (bytes === null) return null;
  const json = readJson(bytes);
  const parsed =
    json.kind === "value" ? schema.safeParse(json.value) : undefined;
  if (parsed?.success) return parsed.data;
  const problem =
    json.kind === "broken"
      ? json.problem
      : z.prettifyError(parsed?.error ?? new z.ZodError([]));
  throw notARecord(store, path, problem);
}

function notARecord(store: Store, path: string, problem: string): UserError {
  return new UserError({
    code: "run.corrupt",
    message: `'${path}' in ${store.url} is not what a run writes there: ${problem}`,
    hint: "remove that object and run the pipeline again: it is written anew, and finished tasks are found in the store",
  });
}
