/**
 * From a Run to its plan: the pipeline as it was submitted → spec → fingerprints of what it reads → plan. Once: a run
 * that is in the store keeps the plan that it has, whatever lies at its sources by now.
 *
 * A mistake of the submitter is a `UserError` that says all of it at once, cut to what a status can hold.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import { createPlan, placesOf, type Place } from "../../plan/create-plan.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Issue } from "../../spec/issue.ts";
import { parsePipeline } from "../../spec/parse.ts";
import { readPipelineText, readPlan } from "../../store/runs/run-records.ts";
import type { Store } from "../../store/store.ts";

/** A reason in a status is one line of a table and one event: no more than a person reads there. */
const MOST_ISSUES = 5;
const MAX_PIPELINE_BYTES = 16 * 1024 * 1024;

export type PlannedRun = {
  readonly plan: Plan;
  /** The file as the user wrote it. */
  readonly pipelineText: string;
};

export type PlanRunOptions = {
  readonly store: Store;
  /** The id of the run in the store. */
  readonly storeRun: string;
  /** The Run with its pipeline, which is kept nowhere else. */
  readonly readWhole: (run: Run) => Promise<Run>;
  /** The identity of what lies at a place that a pipeline reads. */
  readonly fingerprint: (place: Place) => Promise<string>;
};

/** The recorded plan of a Run, or a new one, not yet recorded. Throws UserError for what its submitter must mend. */
export async function planRun(
  run: Run,
  options: PlanRunOptions,
): Promise<PlannedRun> {
  const { store, storeRun } = options;
  const recorded = await readPlan(store, storeRun);
  if (recorded !== null) {
    const text = (await readPipelineText(store, storeRun)) ?? "";
    return { plan: recorded, pipelineText: text };
  }
  const bytes = await readPipeline(run, options);
  const overrides = new Map(Object.entries(run.spec.params ?? {}));
  const parsed = parsePipeline(bytes, { overrides });
  if (!parsed.ok) throw invalid(parsed.issues);
  const places = placesOf(parsed.spec);
  checkPlaces(places);
  const sources = new Map<string, string>();
  for (const place of places)
    sources.set(place.place, await options.fingerprint(place));
  return {
    plan: createPlan(parsed.spec, { sources }),
    pipelineText: new TextDecoder().decode(bytes),
  };
}

async function readPipeline(
  run: Run,
  { store, readWhole }: PlanRunOptions,
): Promise<Uint8Array> {
  const { pipelineFrom } = run.spec;
  if (pipelineFrom === undefined) {
    const { spec } = await readWhole(run);
    return new TextEncoder().encode(spec.pipeline ?? "");
  }
  const { path, sha256 } = pipelineFrom;
  const size = (await store.stat(path))?.sizeBytes ?? null;
  const where = `'${path}' of ${store.url}`;
  if (size === null)
    throw refuse(
      `expected the pipeline file at ${where}, found nothing`,
      "submit the Run again: `hueline submit` writes it there",
    );
  if (size > MAX_PIPELINE_BYTES)
    throw refuse(
      `expected a pipeline file of at most ${MAX_PIPELINE_BYTES} bytes at ${where}, found ${size}`,
    );
  const bytes = (await store.read(path)) ?? new Uint8Array();
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found === sha256) return bytes;
  throw refuse(
    `expected the pipeline file at ${where} to have the SHA-256 ${sha256}, found ${found}`,
    "submit the Run again: a Run does what was submitted, not what was put there later",
  );
}

/** Pods and this program see neither the disk nor the current folder of who submits. */
function checkPlaces(places: readonly Place[]): void {
  const local = places.find(
    ({ place }) => !/^(?:s3:\/\/|package:)/i.test(place),
  );
  if (local === undefined) return;
  const { what, hint } = localPlaces[local.holds];
  throw new UserError({
    code: "run.local-source",
    message: `${what} '${local.place}' lies in a file system, which no pod can see`,
    hint,
  });
}

const localPlaces: Readonly<
  Record<Place["holds"], { readonly what: string; readonly hint: string }>
> = {
  files: {
    what: "the source",
    hint: "take it to a bucket with `hueline data push FOLDER s3://bucket/prefix` and name that as the `source`",
  },
  file: {
    what: "the file",
    hint: "copy it to a bucket and name it as s3://bucket/path",
  },
};

function invalid(issues: readonly Issue[]): UserError {
  const shown = issues
    .slice(0, MOST_ISSUES)
    .map(({ line, column, message }) => `${line}:${column}: ${message}`);
  const more = issues.length - shown.length;
  return refuse(
    `the pipeline has ${issues.length} ${issues.length === 1 ? "mistake" : "mistakes"}: ${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
    "`hueline validate FILE` shows all of them; a Run's pipeline cannot be changed: submit another",
  );
}

function refuse(message: string, hint?: string): UserError {
  return new UserError({
    code: "run.invalid",
    message,
    ...(hint && { hint }),
  });
}
