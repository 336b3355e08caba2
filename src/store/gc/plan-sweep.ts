/**
 * What a sweep would remove: (survey, policy, now) → plan. Pure: the dry run is this value, and nothing else.
 *
 * G1 Roots are the runs that stay and the pins. What a root names is needed: its artifact, and while that is not
 *    committed its complete checkpoints.
 * G2 Nothing of a key is touched while anything of it, its claim included, is younger than the grace; nothing at all
 *    of a key that a live run names, apart from what its commit has made useless.
 * G3 A run is given up only by the policy, never while it is live, pinned, or younger than the grace.
 * G4 Of a key that is needed only leftovers go: attempts that the manifest does not name, checkpoints of a committed
 *    task unless the pipeline keeps them, checkpoints without a manifest.
 * G5 A submitted file is a key as well: the run that was made of it names it, or a pin, and it is needed no longer.
 */
import type {
  KeySurvey,
  PipelineSurvey,
  Place,
  RunSurvey,
  Survey,
} from "./survey.ts";

export type SweepPolicy = {
  readonly graceMs: number;
  /** So many of the most recently used runs stay. */
  readonly keepRuns: number | null;
  /** Runs that were not used for so long are given up. */
  readonly olderThanMs: number | null;
  /** Runs are given up, least recently used first, until the store is no larger. */
  readonly maxSizeBytes: number | null;
};

export const categories = [
  "artifact",
  "attempt",
  "checkpoint",
  "unfinished-checkpoint",
  "run",
  "pipeline",
  "claim",
] as const;
export type Category = (typeof categories)[number];

export type SweptPlace = Place & { readonly category: Category };

/** What goes of one key. */
export type KeySweep = {
  readonly key: string;
  /** No root names it: everything goes, its manifest first. Else only leftovers go. */
  readonly isUnneeded: boolean;
  /** The epoch of the manifest as it was seen; null: it has none. */
  readonly epoch: number | null;
  readonly places: readonly SweptPlace[];
};

export type SweepPlan = {
  readonly runs: readonly (RunSurvey & { readonly because: string })[];
  readonly keys: readonly KeySweep[];
  /** Submitted files that no root names (G5). */
  readonly pipelines: readonly PipelineSurvey[];
  /** Keys of claims on nothing. */
  readonly claims: readonly string[];
  /** Of the whole store as surveyed, and of what would go. */
  readonly storeBytes: number;
  readonly sweptBytes: number;
  /** What no root names and is too young to go. */
  readonly youngBytes: number;
  /** Runs that the policy's age or number would give up, and that are live, pinned or too young (G3). */
  readonly sparedRuns: readonly string[];
};

/** Judges a survey. */
export function planSweep(
  survey: Survey,
  policy: SweepPolicy,
  nowMs: number,
): SweepPlan {
  const cutoffMs = nowMs - policy.graceMs;
  const given = giveUpByAge(survey, policy, nowMs);
  const rest = survey.runs.filter(({ run }) => !given.has(run));
  const live = union(rest.filter(({ isLive }) => isLive));
  const references = countReferences([...rest, ...survey.pins]);
  const storeBytes = sum([...survey.keys, ...survey.runs, ...survey.pipelines]);
  const judge = (key: KeySurvey): KeySweep | null =>
    key.newestAtMs > cutoffMs
      ? null
      : sweepKey(key, {
          isNeeded: references.has(key.key),
          isLive: live.has(key.key),
        });
  const isUnneeded = ({ key, newestAtMs }: PipelineSurvey): boolean =>
    newestAtMs <= cutoffMs && !references.has(key);
  if (policy.maxSizeBytes !== null) {
    let sizeBytes =
      storeBytes -
      sum([...given.values(), ...survey.pipelines.filter(isUnneeded)]) -
      sum(survey.keys.flatMap((key) => judge(key)?.places ?? []));
    const byKey = new Map(survey.keys.map((key) => [key.key, key]));
    const files = new Map(survey.pipelines.map((file) => [file.key, file]));
    for (const run of candidates(survey, policy, nowMs)) {
      if (sizeBytes <= policy.maxSizeBytes) break;
      if (given.has(run.run)) continue;
      given.set(run.run, {
        ...run,
        because: "least recently used, and the store is too large",
      });
      sizeBytes -= run.sizeBytes;
      for (const key of dropReferences(references, run.keys)) {
        const file = files.get(key);
        if (file && isUnneeded(file)) sizeBytes -= file.sizeBytes;
        const found = byKey.get(key);
        if (found === undefined || found.newestAtMs > cutoffMs) continue;
        const before = sweepKey(found, { isNeeded: true, isLive: false });
        sizeBytes -= found.sizeBytes - sum(before?.places ?? []);
      }
    }
  }
  const keys = survey.keys.map(judge).filter((key) => key !== null);
  const runs = [...given.values()];
  const pipelines = survey.pipelines.filter(isUnneeded);
  const young = [...survey.keys, ...survey.pipelines].filter(
    ({ key, newestAtMs }) => newestAtMs > cutoffMs && !references.has(key),
  );
  return {
    runs,
    keys,
    pipelines,
    claims: findOldClaims(survey, references, cutoffMs),
    storeBytes,
    sweptBytes: sum([
      ...runs,
      ...pipelines,
      ...keys.flatMap(({ places }) => places),
    ]),
    youngBytes: sum(young),
    sparedRuns: findSpared(survey, policy, nowMs),
  };
}

type GivenUp = RunSurvey & { readonly because: string };

/** Runs that may be given up (G3), least recently used first. */
function candidates(
  survey: Survey,
  { graceMs, keepRuns }: SweepPolicy,
  nowMs: number,
): readonly RunSurvey[] {
  const pinned = new Set(
    survey.pins.filter(({ kind }) => kind === "run").map(({ name }) => name),
  );
  return byUse(survey)
    .slice(keepRuns ?? 0)
    .filter(
      ({ run, isLive, newestAtMs }) =>
        !isLive && !pinned.has(run) && newestAtMs <= nowMs - graceMs,
    )
    .reverse();
}

/** The most recently used first. */
function byUse({ runs }: Survey): readonly RunSurvey[] {
  return runs
    .filter(({ isRecorded }) => isRecorded)
    .sort(
      (a, b) => b.lastUsedAtMs - a.lastUsedAtMs || (a.run < b.run ? -1 : 1),
    );
}

function findSpared(
  survey: Survey,
  policy: SweepPolicy,
  nowMs: number,
): readonly string[] {
  const { keepRuns, olderThanMs } = policy;
  const free = new Set(candidates(survey, policy, nowMs).map(({ run }) => run));
  const isMeant = (run: RunSurvey): boolean =>
    olderThanMs === null
      ? keepRuns !== null && policy.maxSizeBytes === null
      : run.lastUsedAtMs <= nowMs - olderThanMs;
  return byUse(survey)
    .slice(keepRuns ?? 0)
    .filter((run) => isMeant(run) && !free.has(run.run))
    .map(({ run }) => run);
}

function giveUpByAge(
  survey: Survey,
  policy: SweepPolicy,
  nowMs: number,
): Map<string, GivenUp> {
  const { keepRuns, olderThanMs, maxSizeBytes, graceMs } = policy;
  const given = new Map<string, GivenUp>();
  // What is left of a run that was given up, or never recorded.
  for (const run of survey.runs)
    if (!run.isRecorded && run.newestAtMs <= nowMs - graceMs && !run.isLive)
      given.set(run.run, { ...run, because: "it has no plan" });
  const keepsOnly = olderThanMs === null && maxSizeBytes === null;
  for (const run of candidates(survey, policy, nowMs)) {
    if (olderThanMs !== null && run.lastUsedAtMs <= nowMs - olderThanMs)
      given.set(run.run, { ...run, because: "not used for too long" });
    else if (keepRuns !== null && keepsOnly)
      given.set(run.run, {
        ...run,
        because: `not among the ${keepRuns} most recently used`,
      });
  }
  return given;
}

/** What goes of a key; null: nothing. */
function sweepKey(
  { key, manifest, attempts, checkpoints }: KeySurvey,
  {
    isNeeded,
    isLive,
  }: { readonly isNeeded: boolean; readonly isLive: boolean },
): KeySweep | null {
  const isUnneeded = !isNeeded;
  const places: SweptPlace[] = [];
  for (const { epoch, ...place } of attempts) {
    const isOfManifest = manifest !== null && manifest.epoch === epoch;
    if (isUnneeded && isOfManifest)
      places.push({ ...place, category: "artifact" });
    // Without a manifest any of them may be the one that a live run is about to commit.
    else if (!isOfManifest && (manifest !== null || !isLive))
      places.push({ ...place, category: "attempt" });
  }
  for (const { isComplete, isForGood, ...place } of checkpoints) {
    const isUseless = isUnneeded || (manifest !== null && !isForGood);
    if (isUseless && isComplete)
      places.push({ ...place, category: "checkpoint" });
    else if (!isComplete && (manifest !== null || !isLive))
      places.push({ ...place, category: "unfinished-checkpoint" });
  }
  const hasOwnWork = isUnneeded && manifest !== null;
  if (places.length === 0 && !hasOwnWork) return null;
  return { key, isUnneeded, epoch: manifest?.epoch ?? null, places };
}

function findOldClaims(
  { claims, keys, runs, pipelines }: Survey,
  references: ReadonlyMap<string, number>,
  cutoffMs: number,
): string[] {
  const used = new Set([
    ...keys.map(({ key }) => key),
    ...runs.map(({ run }) => `run-${run}`),
    ...pipelines.map(({ key }) => key),
    "gc",
  ]);
  return [...claims]
    .filter(
      ([key, atMs]) =>
        atMs <= cutoffMs && !used.has(key) && !references.has(key),
    )
    .map(([key]) => key);
}

function countReferences(
  roots: readonly { readonly keys: ReadonlySet<string> }[],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { keys } of roots)
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Takes one root's references away; yields the keys that have none left. */
function* dropReferences(
  references: Map<string, number>,
  keys: ReadonlySet<string>,
): Generator<string> {
  for (const key of keys) {
    const count = (references.get(key) ?? 0) - 1;
    if (count > 0) references.set(key, count);
    else {
      references.delete(key);
      yield key;
    }
  }
}

function union(
  roots: readonly { readonly keys: ReadonlySet<string> }[],
): ReadonlySet<string> {
  return new Set(roots.flatMap(({ keys }) => [...keys]));
}

function sum(items: readonly { readonly sizeBytes: number }[]): number {
  return items.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
