/**
 * What lies in a store, as `plan-sweep.ts` judges it: every object is listed once and added to the key or run that it
 * belongs to, so the size of a survey grows with keys and attempts, not with objects. Nothing is written.
 *
 * Refuses to guess: a plan, status or pin that cannot be read ends the survey with its error, since what it names is not
 * known. Objects at places that no part of this program writes are left out, and so never removed.
 */
import { mapBounded } from "../../base/async.ts";
import type { RunPhase } from "../../run/status.ts";
import { inspectClaim, type ClaimOptions } from "../claims/claims.ts";
import { readManifest } from "../artifacts/manifest.ts";
import { findKeptForGood } from "../checkpoints/retention.ts";
import { layout } from "../layout.ts";
import { readPlan, readStatus, toLeaseKey } from "../runs/run-records.ts";
import type { Store } from "../store.ts";
import { locatePipeline, toPipelineKey } from "../submitted-pipelines.ts";
import { readPins, type Pin } from "./pins.ts";

const READS_AT_ONCE = 16;

/** Objects under one prefix. */
export type Place = {
  readonly prefix: string;
  readonly objects: number;
  readonly sizeBytes: number;
  /** When the newest of them was written. */
  readonly newestAtMs: number;
};

export type CheckpointPlace = Place & {
  readonly isComplete: boolean;
  /** It stays with the artifact, as the pipeline says. Asked of committed tasks only. */
  readonly isForGood: boolean;
};

export type KeySurvey = {
  readonly key: string;
  /** `epoch`: of the attempt that won. */
  readonly manifest: { readonly epoch: number | null } | null;
  readonly attempts: readonly (Place & { readonly epoch: number })[];
  readonly checkpoints: readonly CheckpointPlace[];
  /** With the manifest. */
  readonly sizeBytes: number;
  /** Of everything of the key, its claim too. */
  readonly newestAtMs: number;
};

export type RunSurvey = {
  readonly run: string;
  /** Whether it has a plan, without which it is no run but what is left of one. */
  readonly isRecorded: boolean;
  readonly phase: RunPhase | null;
  /** Somebody drives it. */
  readonly isLive: boolean;
  readonly keys: ReadonlySet<string>;
  /** When it was recorded, or last said something. */
  readonly lastUsedAtMs: number;
} & Place;

/** A file that was submitted by way of the store (`submitted-pipelines.ts`). */
export type PipelineSurvey = {
  /** `pipeline-<sha256>`: among the keys of the runs that were made of it. */
  readonly key: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly newestAtMs: number;
};

export type Survey = {
  readonly runs: readonly RunSurvey[];
  readonly pins: readonly (Pin & { readonly keys: ReadonlySet<string> })[];
  readonly keys: readonly KeySurvey[];
  readonly pipelines: readonly PipelineSurvey[];
  /** Keys, `run-<run>` and others, with when the claim was last written. */
  readonly claims: ReadonlyMap<string, number>;
};

/** Reads a store. Throws what `readPlan`, `readStatus`, `readPins` and `readManifest` throw. */
export async function surveyStore(
  store: Store,
  options: ClaimOptions,
): Promise<Survey> {
  const claims = await listClaims(store);
  const keys = await surveyKeys(store, claims);
  const pipelines = await listPipelines(store);
  const runs = await surveyRuns(store, claims, { ...options, pipelines });
  const pins = await mapBounded(
    await readPins(store),
    READS_AT_ONCE,
    async (pin) => ({ ...pin, keys: await readPinnedKeys(store, pin) }),
  );
  return { runs, pins, keys, pipelines, claims };
}

/** The keys that a pin keeps: those of the run's plan, or the artifact with everything that it was made from. */
export async function readPinnedKeys(
  store: Store,
  { kind, name }: Pick<Pin, "kind" | "name">,
): Promise<ReadonlySet<string>> {
  if (kind === "run") return await readPlannedKeys(store, name);
  if (kind === "pipeline") return new Set([toPipelineKey(name)]);
  const found = new Set([name]);
  for (const key of found) {
    const manifest = await readManifest(store, key);
    for (const input of Object.values(manifest?.inputs ?? {}).flat())
      found.add(input);
  }
  return found;
}

/** The keys that a run's plan names; none if it has no plan. */
export async function readPlannedKeys(
  store: Store,
  run: string,
): Promise<ReadonlySet<string>> {
  const plan = await readPlan(store, run);
  return new Set(plan?.tasks.map(({ key }) => key) ?? []);
}

async function listClaims(store: Store): Promise<ReadonlyMap<string, number>> {
  const claims = new Map<string, number>();
  for await (const { path, modifiedAtMs } of store.list("claims/")) {
    const key = /^claims\/([^/]+)\.json$/.exec(path)?.[1];
    if (key !== undefined) claims.set(key, modifiedAtMs);
  }
  return claims;
}

type Tally = { objects: number; sizeBytes: number; newestAtMs: number };
type KeyTally = {
  manifest: Tally | null;
  readonly attempts: Map<string, Tally>;
  readonly checkpoints: Map<string, Tally & { isComplete?: boolean }>;
};

async function surveyKeys(
  store: Store,
  claims: ReadonlyMap<string, number>,
): Promise<KeySurvey[]> {
  const tallies = new Map<string, KeyTally>();
  for await (const object of store.list("cas/")) {
    const [, key, file] =
      /^cas\/([^/]+)\/(manifest\.json$|a\d+\/)/.exec(object.path) ?? [];
    if (key === undefined || file === undefined) continue;
    const tally = keyTally(tallies, key);
    if (file === "manifest.json") tally.manifest = add(null, object);
    else tally.attempts.set(file, add(tally.attempts.get(file), object));
  }
  for await (const object of store.list("ckpt/")) {
    const [, key, folder, file] =
      /^ckpt\/([^/]+)\/([^/]+\/)(.+)$/.exec(object.path) ?? [];
    if (key === undefined || folder === undefined) continue;
    const { checkpoints } = keyTally(tallies, key);
    const sum: Tally & { isComplete?: boolean } = add(
      checkpoints.get(folder),
      object,
    );
    if (file === "manifest.json") sum.isComplete = true;
    checkpoints.set(folder, sum);
  }
  return await mapBounded([...tallies], READS_AT_ONCE, ([key, tally]) =>
    toKeySurvey(store, key, tally, claims.get(key) ?? 0),
  );
}

async function toKeySurvey(
  store: Store,
  key: string,
  tally: KeyTally,
  claimAtMs: number,
): Promise<KeySurvey> {
  const attempts = [...tally.attempts].map(([folder, sum]) => ({
    ...sum,
    prefix: `cas/${key}/${folder}`,
    epoch: Number(folder.slice(1, -1)),
  }));
  const hasFinalCheckpoints =
    tally.manifest !== null && tally.checkpoints.size > 0;
  const forGood = hasFinalCheckpoints
    ? await findKeptForGood(store, key)
    : new Set<string>();
  const checkpoints = [...tally.checkpoints].map(([folder, sum]) => {
    const prefix = layout.checkpoints(key) + folder;
    const isComplete = sum.isComplete === true;
    return { ...sum, prefix, isComplete, isForGood: forGood.has(prefix) };
  });
  // Which of several attempts won is in the manifest; of one there is no question.
  const epoch =
    tally.manifest !== null && attempts.length > 1
      ? ((await readManifest(store, key))?.epoch ?? null)
      : (attempts[0]?.epoch ?? null);
  const all = [
    ...(tally.manifest === null ? [] : [tally.manifest]),
    ...attempts,
    ...checkpoints,
  ];
  return {
    key,
    manifest: tally.manifest && { epoch },
    attempts,
    checkpoints,
    sizeBytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    newestAtMs: all.reduce(
      (newest, { newestAtMs }) => Math.max(newest, newestAtMs),
      claimAtMs,
    ),
  };
}

async function surveyRuns(
  store: Store,
  claims: ReadonlyMap<string, number>,
  options: ClaimOptions & { readonly pipelines: readonly PipelineSurvey[] },
): Promise<RunSurvey[]> {
  const sizes = new Set(options.pipelines.map(({ sizeBytes }) => sizeBytes));
  const tallies = new Map<string, Tally>();
  const usedAtMs = new Map<string, number>();
  /** Runs that may have been made of a submitted file: their copies have the size of one. */
  const copies = new Set<string>();
  for await (const object of store.list("runs/")) {
    const [, run, file] = /^runs\/([^/]+)\/(.+)$/.exec(object.path) ?? [];
    if (run === undefined) continue;
    tallies.set(run, add(tallies.get(run), object));
    if (file === "pipeline.yaml" && sizes.has(object.sizeBytes))
      copies.add(run);
    if (file === "plan.json" || file === "status.json")
      usedAtMs.set(run, Math.max(usedAtMs.get(run) ?? 0, object.modifiedAtMs));
  }
  return await mapBounded([...tallies], READS_AT_ONCE, async ([run, tally]) => {
    const lease = toLeaseKey(run);
    const claim = claims.has(lease)
      ? await inspectClaim(store, lease, options)
      : null;
    const plan = await readPlan(store, run);
    const last = await readStatus(store, run);
    const keys = new Set(plan?.tasks.map(({ key }) => key) ?? []);
    const copy =
      plan !== null && copies.has(run)
        ? await store.read(layout.runPipeline(run))
        : null;
    if (copy !== null) keys.add(toPipelineKey(locatePipeline(copy).sha256));
    return {
      ...tally,
      run,
      prefix: layout.run(run),
      isRecorded: plan !== null,
      phase: last?.status.phase ?? null,
      isLive: claim?.state === "held",
      keys,
      lastUsedAtMs: usedAtMs.get(run) ?? tally.newestAtMs,
      newestAtMs: Math.max(tally.newestAtMs, claims.get(lease) ?? 0),
    };
  });
}

async function listPipelines(store: Store): Promise<readonly PipelineSurvey[]> {
  const files: PipelineSurvey[] = [];
  for await (const object of store.list("pipelines/")) {
    const { path, sizeBytes, modifiedAtMs: newestAtMs } = object;
    const sha256 = /^pipelines\/([0-9a-f]{64})\.yaml$/.exec(path)?.[1];
    if (sha256 !== undefined)
      files.push({ key: toPipelineKey(sha256), path, sizeBytes, newestAtMs });
  }
  return files;
}

function keyTally(tallies: Map<string, KeyTally>, key: string): KeyTally {
  const found = tallies.get(key) ?? {
    manifest: null,
    attempts: new Map(),
    checkpoints: new Map(),
  };
  tallies.set(key, found);
  return found;
}

/** The same tally, changed. */
function add<T extends Tally>(
  tally: T | null | undefined,
  object: { readonly sizeBytes: number; readonly modifiedAtMs: number },
): T | Tally {
  const sum = tally ?? { objects: 0, sizeBytes: 0, newestAtMs: 0 };
  sum.objects++;
  sum.sizeBytes += object.sizeBytes;
  sum.newestAtMs = Math.max(sum.newestAtMs, object.modifiedAtMs);
  return sum;
}
