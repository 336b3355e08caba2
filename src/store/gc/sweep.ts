/**
 * Removes what a plan names (`plan-sweep.ts`), beside runs that start, resume and commit at the same time.
 *
 * S1 One sweep at a time: it holds the claim `gc`.
 * S2 Nothing of a key is removed without holding the key's claim, so nobody computes it meanwhile, and whatever lies
 *    there under an older epoch is dead for good. Nothing of a run without holding its lease.
 * S3 In this order: runs that are given up, their plan first; marks on all keys that nobody seems to need; then, and
 *    only then, a fresh look at who needs what; then key by key the swap from `marked` to `condemned`, the manifest,
 *    the mark, the files. With `keep-artifacts.ts` on the other side, a run that reuses an artifact either is seen by
 *    the fresh look, or finds the mark and one of the two swaps.
 * S4 Right before a place is removed it is listed again: what was written within the grace stays, with all beside it.
 * S5 It may die at any line. What was condemned is ended by the next sweep, or by the first run that needs the key;
 *    files without a manifest are leftovers, which the next sweep finds.
 *
 * Not covered: a process that stands still for longer than a claim's time to live between asking whether the claim is
 * still its own and its next request. It may then remove the manifest of an artifact that was computed anew within that
 * time; the files and every other artifact stay, and the task is computed again.
 */
import { mapBounded } from "../../base/async.ts";
import { TransientError, UserError } from "../../base/errors.ts";
import { takeClaim } from "../claims/claims.ts";
import { holdClaim, type HeldClaim } from "../claims/hold-claim.ts";
import { describeOwner } from "../claims/owner.ts";
import { layout } from "../layout.ts";
import { toLeaseKey } from "../runs/run-records.ts";
import type { Store } from "../store.ts";
import { isPipelinePinned } from "../submitted-pipelines.ts";
import { markUnneeded, clearMarks, finishEarlier } from "./mark-unneeded.ts";
import type { SweepPlan } from "./plan-sweep.ts";
import { removeObjects } from "./remove-place.ts";
import type { PipelineSurvey, RunSurvey } from "./survey.ts";
import { sweepKey } from "./sweep-key.ts";
import { beginSweep, endSweep } from "./sweep-record.ts";
import type {
  Removed,
  Sweeping,
  SweepOptions,
  SweepResult,
} from "./sweeping.ts";

const KEYS_AT_ONCE = 4;

/** Throws `gc.running` (TransientError) if another sweep is under way. */
export async function sweep(
  plan: SweepPlan,
  known: readonly RunSurvey[],
  options: SweepOptions,
): Promise<SweepResult> {
  const { store, owner, clock, log } = options;
  const taken = await takeClaim(store, "gc", owner, options);
  if (taken.kind === "held")
    throw new TransientError({
      code: "gc.running",
      message: `this store is being swept already: ${describeOwner(taken.by)}`,
    });
  const lease = holdClaim({ claim: taken.claim, clock, log });
  try {
    const signal = AbortSignal.any([options.signal, lease.signal]);
    const result = await sweepHeld(plan, known, { ...options, signal });
    await lease.confirm();
    return result;
  } finally {
    await lease.release();
  }
}

async function sweepHeld(
  plan: SweepPlan,
  known: readonly RunSurvey[],
  options: SweepOptions,
): Promise<SweepResult> {
  const { store, clock, signal, onProgress } = options;
  const removed: Removed[] = [];
  const skipped: { what: string; reason: string }[] = [];
  const sweeping: Sweeping = {
    ...options,
    removed: (entry) => removed.push(entry),
    skip: (what, reason) => skipped.push({ what, reason }),
    withClaim: (key, what, work) => withClaim(sweeping, key, what, work),
  };
  const total =
    plan.runs.length +
    plan.keys.length +
    plan.pipelines.length +
    plan.claims.length;
  let done = 0;
  const each = async <T>(
    items: readonly T[],
    work: (item: T) => Promise<void>,
  ): Promise<void> => {
    await mapBounded(items, KEYS_AT_ONCE, async (item) => {
      if (signal.aborted) return;
      await work(item);
      onProgress?.(++done, total);
    });
  };
  await beginSweep(store, clock.now());
  await finishEarlier(sweeping);
  const gone = new Set<string>();
  await each(plan.runs, async (run) => {
    if (await giveUp(sweeping, run)) gone.add(run.run);
  });
  const left = known.filter(({ run }) => !gone.has(run));
  const marks = await markUnneeded(sweeping, plan.keys, left);
  await each(plan.keys, (key) => sweepKey(sweeping, key, marks));
  await each(plan.pipelines, (file) => dropPipeline(sweeping, file));
  await each(plan.claims, (key) => dropClaim(sweeping, key));
  if (await clearMarks(sweeping, marks.keys())) await endSweep(store);
  return { removed, skipped, isComplete: !signal.aborted };
}

/** S2, for a run. */
async function giveUp(sweeping: Sweeping, run: RunSurvey): Promise<boolean> {
  const { store } = sweeping;
  const what = `run ${run.run}`;
  let isGone = false;
  await sweeping.withClaim(toLeaseKey(run.run), what, async (held) => {
    if ((await store.stat(layout.pin(run.run))) !== null) {
      sweeping.skip(what, "it was pinned meanwhile");
      return;
    }
    await held.confirm();
    const sum = await removeObjects(sweeping, {
      prefix: run.prefix,
      first: [layout.runPlan(run.run)],
    });
    if (sum === null) {
      sweeping.skip(what, "it was used meanwhile");
      return;
    }
    isGone = true;
    sweeping.removed({ category: "run", ...sum });
  });
  return isGone;
}

/** G5, as far as it is still so: who submits the file again holds the claim, and leaves it young. */
async function dropPipeline(
  sweeping: Sweeping,
  { key, path }: PipelineSurvey,
): Promise<void> {
  const { store, cutoffMs } = sweeping;
  await sweeping.withClaim(key, path, async (held) => {
    const found = await store.stat(path);
    if (found === null) return;
    if (await isPipelinePinned(store, key))
      return sweeping.skip(path, "it was pinned meanwhile");
    if (found.modifiedAtMs > cutoffMs)
      return sweeping.skip(path, "it was submitted again meanwhile");
    await held.confirm();
    await store.remove(path);
    const { sizeBytes } = found;
    sweeping.removed({ category: "pipeline", objects: 1, sizeBytes });
  });
}

/** A claim on nothing: looked for and removed while it is ours, so that nobody has begun meanwhile (C1 of `claims.ts`). */
async function dropClaim(sweeping: Sweeping, key: string): Promise<void> {
  const { store, owner } = sweeping;
  const path = layout.claim(key);
  const sizeBytes = (await store.stat(path))?.sizeBytes ?? 0;
  const taken = await takeClaim(store, key, owner, sweeping);
  if (taken.kind === "held") return;
  if (await hasObjects(store, [`cas/${key}/`, layout.checkpoints(key)])) {
    await taken.claim.release();
    return;
  }
  await store.remove(path);
  sweeping.removed({ category: "claim", objects: 1, sizeBytes });
}

async function hasObjects(
  store: Store,
  prefixes: readonly string[],
): Promise<boolean> {
  for (const prefix of prefixes)
    for await (const _ of store.list(prefix)) return true;
  return false;
}

async function withClaim(
  sweeping: Sweeping,
  key: string,
  what: string,
  work: (held: HeldClaim) => Promise<void>,
): Promise<void> {
  const { store, owner, clock, log } = sweeping;
  const taken = await takeClaim(store, key, owner, sweeping);
  if (taken.kind === "held") {
    sweeping.skip(what, `${describeOwner(taken.by)} works on it`);
    return;
  }
  const held = holdClaim({ claim: taken.claim, clock, log });
  try {
    await work(held);
  } catch (thrown) {
    // One artifact that cannot be read or removed does not keep the others.
    if (!(thrown instanceof UserError)) throw thrown;
    sweeping.skip(what, thrown.message);
  } finally {
    await held.release();
  }
}
