/**
 * Runs one task: description → claim → stage → commit. The whole of it may die at any line; the next worker starts
 * from what is in the store, and nothing else counts (invariants A, B, H).
 *
 * In order: found committed, done, once its checkpoints are gone. Claim taken, or ended with who has it. Inputs' manifests read. The stage runs from
 * its newest checkpoint and writes under `a<epoch>`. The claim is confirmed, the manifest written if absent; the
 * winner's result stands. Checkpoints go only after that. The claim is released however it ends, so that the next
 * attempt starts at once.
 */
import { systemClock, type Clock } from "../base/clock.ts";
import { ExitCode, toError, TransientError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { TaskKind } from "../plan/plan.ts";
import type { TaskDescription } from "../plan/task-description.ts";
import { defaultCheckpoint } from "../spec/defaults.ts";
import type {
  LoaderSettings,
  RunStage,
  StageContext,
  StageResult,
} from "../stages/stage.ts";
import {
  createArtifactWriter,
  type ArtifactWriter,
} from "../store/artifacts/artifact.ts";
import {
  createCheckpointStore,
  type CheckpointStore,
} from "../store/checkpoints/checkpoints.ts";
import { removeCheckpoints } from "../store/checkpoints/retention.ts";
import { takeClaim } from "../store/claims/claims.ts";
import { holdClaim, type HeldClaim } from "../store/claims/hold-claim.ts";
import { layout } from "../store/layout.ts";
import { commitManifest, readManifest } from "../store/artifacts/manifest.ts";
import {
  createLiveness,
  describeOwner,
  readOwner,
} from "../store/claims/owner.ts";
import { readTaskDescription } from "../store/runs/run-records.ts";
import type { Store } from "../store/store.ts";
import { logCheckpoints } from "./checkpoint-log.ts";
import { reportFailure, toCauseOfEnd } from "./exit-code.ts";
import type { WorkerFacts } from "./facts.ts";
import { createMeteredStore } from "./metered-store.ts";
import { createProgressLog, type ProgressLog } from "./progress-log.ts";
import { readInputs } from "./read-inputs.ts";
import { watchGrace, type Grace } from "./stop-grace.ts";
import { toManifest } from "./to-manifest.ts";

/** The run function of each kind, as `stages/stages.ts` has them. */
export type StageTable = { readonly [K in TaskKind]: RunStage<K> };

export type WorkerOptions = {
  readonly store: Store;
  readonly run: string;
  readonly task: string;
  /** Where TensorFlow's native library is; only stages that compute look there. */
  readonly engineDirectory: string;
  /** Where stages that read photographs keep what they fetched; null or absent: nowhere. */
  readonly cache?: LoaderSettings["cache"];
  /** What a stop may take; null or absent: not known. */
  readonly grace?: Grace | null;
  /** Aborts when the process is told to stop, or when its driver is gone. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly stages: StageTable;
  readonly facts: WorkerFacts;
  readonly clock?: Clock;
};

type Work = Omit<Required<WorkerOptions>, "task" | "run"> & {
  readonly description: TaskDescription;
  readonly progress: ProgressLog;
  readonly addWritten: (sizeBytes: number) => void;
  readonly startedAtMs: number;
};

type Outcome = "committed" | "found committed" | "took another's result";

/** Runs a task of a run to its commit; logs one summary, and why not if it failed; never throws. */
export async function runWorker(options: WorkerOptions): Promise<ExitCode> {
  const { facts, log, clock = systemClock } = options;
  const startedAtMs = clock.now();
  const { store, bytes, addWritten } = createMeteredStore(options.store);
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
    const description = await readTaskDescription(
      store,
      options.run,
      options.task,
    );
    const work = {
      ...options,
      cache: options.cache ?? null,
      grace: options.grace ?? null,
      addWritten,
      clock,
      store,
      description,
      progress,
      startedAtMs,
    };
    summarize(await runTask(work));
    return ExitCode.done;
  } catch (thrown) {
    summarize("not done");
    return reportFailure(thrown, log);
  } finally {
    over.abort();
  }
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
  const result = await withCheckpoints(work, epoch, (checkpoints) =>
    runStage(work, { held, output, checkpoints }),
  );
  const manifest = toManifest({
    ...work,
    epoch,
    files: output.files(),
    result,
    finishedAtMs: work.clock.now(),
  });
  await held.confirm();
  const outcome = await commitManifest(store, manifest);
  await tidy(log, () => removeCheckpoints(store, key));
  if (outcome === "committed") return "committed";
  await tidy(log, () => discardFiles(store, layout.attempt(key, epoch)));
  return "took another's result";
}

/** A stage with its checkpoints, whose writer ends with it, however that is. */
async function withCheckpoints(
  { store, description, log, clock, progress, grace, addWritten }: Work,
  epoch: number,
  run: (checkpoints: CheckpointStore) => Promise<StageResult>,
): Promise<StageResult> {
  const { key, checkpoint } = description.task;
  const { keep, outageMs } = checkpoint ?? defaultCheckpoint;
  const checkpoints = createCheckpointStore({
    store,
    key,
    epoch,
    keep,
    outageMs,
    log,
    clock,
    onSent: addWritten,
    onWaiting: (reason) => {
      progress.waitForStore(reason);
    },
  });
  try {
    return await run(
      logCheckpoints(checkpoints, {
        log,
        clock,
        progress,
        graceMs: grace?.ms ?? null,
      }),
    );
  } finally {
    await checkpoints.close();
  }
}

/** After the commit the task is done (A): what cannot be cleared away is only room that is taken up. */
async function tidy(log: Logger, clear: () => Promise<void>): Promise<void> {
  try {
    await clear();
  } catch (thrown) {
    const reason = toError(thrown).message;
    log.warn({ reason }, "what the task no longer needs could not be removed");
  }
}

async function runStage(
  work: Work,
  attempt: {
    readonly held: HeldClaim;
    readonly output: ArtifactWriter;
    readonly checkpoints: CheckpointStore;
  },
): Promise<StageResult> {
  const { store, description, log, stages } = work;
  const { task } = description;
  const { held, output, checkpoints } = attempt;
  // The table ties each kind to its parameters; which of them this task has is data.
  const run = stages[task.kind] as RunStage<TaskKind> | undefined;
  if (run === undefined)
    throw new Error(`no stage runs tasks of kind '${task.kind}'`);
  const signal = AbortSignal.any([work.signal, held.signal]);
  const threads = Math.max(1, Math.floor(task.resources.cpu));
  const context: StageContext = {
    description,
    // Checked by the kind's schema when the plan was made.
    params: task.params as unknown as StageContext["params"],
    seed: task.seed ?? 0,
    inputs: await readInputs(store, description),
    store,
    output,
    checkpoints,
    checkpointEvery: task.checkpoint?.every ?? null,
    engine: { directory: work.engineDirectory, threads },
    loader: {
      workers: task.resources.workers ?? threads,
      maxBytes: Math.floor(task.resources.memoryBytes / 2),
      cache: work.cache,
    },
    log,
    signal,
    progress: (progress) => {
      work.progress.report(progress);
    },
  };
  try {
    return await run(context);
  } catch (thrown) {
    throw toCauseOfEnd(thrown, signal, held.lost());
  }
}

/** Files of an attempt that lost: nothing names them. */
async function discardFiles(store: Store, prefix: string): Promise<void> {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix)) paths.push(path);
  for (const path of paths) await store.remove(path);
}
