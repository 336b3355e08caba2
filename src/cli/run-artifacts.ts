/** What the commands ask of a finished or running run: which of its tasks are committed, and where an artifact is. */
import { mapBounded } from "../base/async.ts";
import { UserError } from "../base/errors.ts";
import type { Plan, Task } from "../plan/plan.ts";
import {
  isCommitted,
  readManifest,
  type Manifest,
} from "../store/artifacts/manifest.ts";
import { findRun, readPlan } from "../store/runs/run-records.ts";
import type { Store } from "../store/store.ts";

const LOOKUPS_IN_FLIGHT = 16;

/** The keys of a plan whose manifest is in the store (invariant A). */
export async function findCommitted(
  store: Store,
  plan: Plan,
): Promise<ReadonlySet<string>> {
  const keys = [...new Set(plan.tasks.map(({ key }) => key))];
  const found = await mapBounded(keys, LOOKUPS_IN_FLIGHT, async (key) =>
    (await isCommitted(store, key)) ? key : null,
  );
  return new Set(found.filter((key) => key !== null));
}

/** A run by its name (or the beginning of it, or its pipeline's name; null: the newest), with its plan. */
export async function loadRun(
  store: Store,
  given: string | null,
): Promise<{ readonly run: string; readonly plan: Plan }> {
  const run = await findRun(store, given);
  const plan = await readPlan(store, run);
  if (plan === null) {
    throw new UserError({
      code: "run.corrupt",
      message: `run '${run}' has no plan in ${store.url}`,
      hint: "run the pipeline again: finished tasks are found in the store",
    });
  }
  return { run, plan };
}

/** The committed tasks of a plan with their manifests, in plan order. */
export async function readManifests(
  store: Store,
  tasks: readonly Task[],
): Promise<readonly { readonly task: Task; readonly manifest: Manifest }[]> {
  const found = await mapBounded(tasks, LOOKUPS_IN_FLIGHT, async (task) => {
    const manifest = await readManifest(store, task.key);
    return manifest === null ? null : { task, manifest };
  });
  return found.filter((entry) => entry !== null);
}

/** An artifact as people name it: a key (or its first digits, 8 at least), `RUN/TASK`, or `RUN/STAGE` if that has one task. */
export async function findArtifact(
  store: Store,
  given: string,
): Promise<Manifest> {
  const key = /^[0-9a-f]{64}$/.test(given) ? given : await keyOf(store, given);
  const manifest = await readManifest(store, key);
  if (manifest !== null) return manifest;
  throw new UserError({
    code: "artifact.unknown",
    message: `there is no artifact '${given}' in ${store.url}: its task has not finished`,
    hint: "hueline status shows what has",
  });
}

async function keyOf(store: Store, given: string): Promise<string> {
  const [runName, name] = splitLast(given);
  if (runName === null) return await keyByPrefix(store, given);
  const { run, plan } = await loadRun(store, runName);
  const exact = plan.tasks.find((task) => task.name === name);
  if (exact) return exact.key;
  // The merge of a split stage stands for the stage; its parts are artifacts of nobody's interest.
  const ofStage = plan.tasks.filter(
    (task) => task.stage === name && task.part === null,
  );
  if (ofStage.length === 1 && ofStage[0]) return ofStage[0].key;
  const names = (ofStage.length > 0 ? ofStage : plan.tasks).map(
    (task) => task.name,
  );
  throw new UserError({
    code: "artifact.unknown",
    message: `'${name}' names ${ofStage.length === 0 ? "no task or stage" : `${ofStage.length} tasks`} of run '${run}'`,
    hint: `name one task: ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}`,
  });
}

function splitLast(given: string): readonly [string | null, string] {
  const at = given.lastIndexOf("/");
  return at < 0 ? [null, given] : [given.slice(0, at), given.slice(at + 1)];
}

async function keyByPrefix(store: Store, prefix: string): Promise<string> {
  const keys = /^[0-9a-f]{8,}$/.test(prefix)
    ? (await store.listFolders("cas/")).filter((key) => key.startsWith(prefix))
    : [];
  if (keys.length === 1 && keys[0] !== undefined) return keys[0];
  throw new UserError({
    code: "artifact.unknown",
    message: `'${prefix}' names ${keys.length === 0 ? "no artifact" : `${keys.length} artifacts`} of ${store.url}`,
    hint: "give RUN/STAGE, RUN/TASK, or the first digits of a key (`hueline plan FILE --tasks` lists keys)",
  });
}
