/**
 * One attempt at a task's stage: its checkpoints, its inputs, its context. What ends it early is told by its cause: a stop
 * that was asked for, or a claim that was lost.
 */
import type { TaskKind } from "../plan/plan.ts";
import { defaultCheckpoint } from "../spec/defaults.ts";
import type { RunStage, StageContext, StageResult } from "../stages/stage.ts";
import type { ArtifactWriter } from "../store/artifacts/artifact.ts";
import {
  createCheckpointStore,
  type CheckpointStore,
} from "../store/checkpoints/checkpoints.ts";
import type { HeldClaim } from "../store/claims/hold-claim.ts";
import { logCheckpoints } from "./checkpoint-log.ts";
import { toCauseOfEnd } from "./exit-code.ts";
import { readInputs } from "./read-inputs.ts";
import type { Work } from "./work.ts";

/** What the attempt works under: its claim, and where its files go. */
type Attempt = { readonly held: HeldClaim; readonly output: ArtifactWriter };

/** Runs the stage from its newest checkpoint; its writer of checkpoints ends with it, however that is. */
export async function runStage(
  work: Work,
  attempt: Attempt,
): Promise<StageResult> {
  const { log, clock, progress, grace } = work;
  const checkpoints = openCheckpoints(work, attempt.held.claim.epoch);
  const graceMs = grace?.ms ?? null;
  try {
    return await runOn(
      work,
      attempt,
      logCheckpoints(checkpoints, { log, clock, progress, graceMs }),
    );
  } finally {
    await checkpoints.close();
  }
}

function openCheckpoints(
  { store, description, log, clock, progress, addWritten }: Work,
  epoch: number,
): CheckpointStore {
  const { key, checkpoint } = description.task;
  const { keep, outageMs } = checkpoint ?? defaultCheckpoint;
  return createCheckpointStore({
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
}

async function runOn(
  work: Work,
  { held, output }: Attempt,
  checkpoints: CheckpointStore,
): Promise<StageResult> {
  const { store, description, log, stages } = work;
  const { task } = description;
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
      fetched: work.addRead,
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
