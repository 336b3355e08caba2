/**
 * Runs one task: description → claim → stage → commit. The whole of it may die at any line; the next worker starts
 * from what is in the store, and nothing else counts (invariants A, B, H).
 *
 * In order: found committed, done, once its checkpoints are gone. Claim taken, or ended with who has it. The stage runs
 * from its newest checkpoint and writes under `a<epoch>` (`run-stage.ts`). The claim is confirmed, the manifest written if
 * absent; the winner's result stands. Checkpoints go only after that. The claim is released however it ends, so that the
 * next attempt starts at once.
 */
import { systemClock } from "../base/clock.ts";
import { ExitCode, TransientError } from "../base/errors.ts";
import { createArtifactWriter } from "../store/artifacts/artifact.ts";
import { commitManifest, readManifest } from "../store/artifacts/manifest.ts";
import { removeCheckpoints } from "../store/checkpoints/retention.ts";
import { takeClaim } from "../store/claims/claims.ts";
import { holdClaim, type HeldClaim } from "../store/claims/hold-claim.ts";
import {
  createLiveness,
  describeOwner,
  readOwner,
} from "../store/claims/owner.ts";
import { layout } from "../store/layout.ts";
import type { TaskDescription } from "../plan/task-description.ts";
import { readPackedDescription } from "../store/runs/run-packs.ts";
import { readTaskDescription } from "../store/runs/run-records.ts";
import type { Store } from "../store/store.ts";
import { reportFailure } from "./exit-code.ts";
import { createMeteredStore } from "./metered-store.ts";
import { createProgressLog } from "./progress-log.ts";
import { runStage } from "./run-stage.ts";
import { watchGrace } from "./stop-grace.ts";
import { discardFiles, tidy } from "./tidy.ts";
import { createTimeLimit } from "./time-limit.ts";
import { toManifest } from "./to-manifest.ts";
import type { Work, WorkerOptions } from "./work.ts";

type Outcome = "committed" | "found committed" | "took another's result";

/** Runs a task of a run to its commit; logs one summary, and why not if it failed; never throws. */
export async function runWorker(options: WorkerOptions): Promise<ExitCode> {
  const { facts, log, clock = systemClock } = options;
  const startedAtMs = clock.now();
  const metered = createMeteredStore(options.store);
  const { store, bytes, addRead, addWritten } = metered;
  const progress = createProgressLog(log, clock);
  const summarize = (outcome: string): void => {
    const { cpuMs, peakMemoryBytes } = facts.usage();
    const { read, written } = bytes();
    log.info(
      {
        outcome,
        steps: progress.steps(),
        wallMs: clock.now() - startedAtMs,
        cpuMs: Math.round(cpuMs),
        peakMemoryBytes,
        bytesRead: read,
        bytesWritten: written,
      },
      "worker ended",
    );
  };
  const over = new AbortController();
  const { grace = null, signal } = options;
  if (grace !== null)
    void watchGrace({ grace, signal, over: over.signal, clock, log });
  try {
    const description = await readDescription(store, options);
    options.onTask?.(description.task.name);
    const limitMs = options.keepsTime ? description.task.timeoutMs : null;
    const limit = createTimeLimit(limitMs, { clock, over: over.signal });
    const work = {
      ...options,
      signal: AbortSignal.any([signal, limit.signal]),
      cache: options.cache ?? null,
      grace: options.grace ?? null,
      addRead,
      addWritten,
      clock,
      store,
      description,
      progress,
      startedAtMs,
    };
    summarize(await limit.explain(() => runTask(work)));
    return ExitCode.done;
  } catch (thrown) {
    summarize("not done");
    return reportFailure(thrown, log);
  } finally {
    over.abort();
  }
}

function readDescription(
  store: Store,
  { run, task }: WorkerOptions,
): Promise<TaskDescription> {
  if (typeof task === "string") return readTaskDescription(store, run, task);
  const { pack, index } = task;
  return readPackedDescription(store, { run, pack }, index);
}

async function runTask(work: Work): Promise<Outcome> {
  if (await isCommitted(work)) return "found committed";
  const held = await claim(work);
  try {
    // Somebody may have committed and let go between the two looks.
    if (await isCommitted(work)) return "found committed";
    return await compute(work, held);
  } finally {
    await held.release();
  }
}

/** Who committed may have been killed before its checkpoints were gone: whoever finds the commit clears them. */
async function isCommitted({
  store,
  description,
  log,
}: Work): Promise<boolean> {
  const { key } = description.task;
  if ((await readManifest(store, key)) === null) return false;
  await tidy(log, () => removeCheckpoints(store, key));
  return true;
}

async function claim(work: Work): Promise<HeldClaim> {
  const { store, description, facts, clock, signal, log } = work;
  const { run, task } = description;
  const { host, pid } = facts;
  const owner = await readOwner({ host, pid, run, task: task.name });
  const isOwnerAlive = createLiveness({ host });
  const options = { clock, isOwnerAlive, signal };
  const outcome = await takeClaim(store, task.key, owner, options);
  if (outcome.kind === "taken")
    return holdClaim({ claim: outcome.claim, clock, log });
  throw new TransientError({
    code: "claim.held",
    message: `${describeOwner(outcome.by)} computes the same artifact; its last heartbeat was ${Math.round(outcome.heartbeatAgeMs / 1000)} s ago`,
  });
}

async function compute(work: Work, held: HeldClaim): Promise<Outcome> {
  const { store, description } = work;
  const { key } = description.task;
  const { epoch } = held.claim;
  const output = createArtifactWriter(store, key, epoch);
  const { log } = work;
  const result = await runStage(work, { held, output });
  const manifest = toManifest({
    ...work,
    epoch,
    files: output.files(),
    result,
    finishedAtMs: work.clock.now(),
    resumedAtStep: work.progress.resumedAtStep(),
  });
  await held.confirm();
  const outcome = await commitManifest(store, manifest);
  await tidy(log, () => removeCheckpoints(store, key));
  if (outcome === "committed") return "committed";
  await tidy(log, () => discardFiles(store, layout.attempt(key, epoch)));
  return "took another's result";
}
