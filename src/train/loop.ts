/**
 * The training loop: takes the steps that a protocol plans, records, saves, stops and resumes. It knows no model and no
 * data: a `Job` gives it feeds and losses.
 *
 * A A step is decided by its number: feeds, rate and random numbers follow from it, so that a resumed run continues to the same
 *   bits as one that was never stopped (docs/design.md, invariant H).
 * B The feeds of step k are prepared while step k − 1 computes.
 * C Losses and weights that are not finite stop the run before they can reach a checkpoint or an artifact.
 * D A checkpoint costs the run one copy of the weights; it is written while training goes on, one at a time, and a failed
 *   write ends the run.
 * E Told to stop, the run finishes its step, saves, and throws `StoppedError`.
 */
import { setImmediate as yieldToEvents } from "node:timers/promises";
import type { Clock } from "../base/clock.ts";
import { StoppedError } from "../base/errors.ts";
import type { Weights } from "../model/weights.ts";
import type { CheckpointStore } from "../store/artifacts/checkpoints.ts";
import { fromCheckpoint, toCheckpoint, type LoopState } from "./checkpoint.ts";
import { checkFiniteLosses, checkFiniteWeights } from "./finite.ts";
import {
  closeSpan,
  metricsStart,
  recordRow,
  recordStep,
  rowEverySteps,
  type MetricsRow,
} from "./metrics.ts";
import { createProgressMeter, type ProgressReport } from "./progress.ts";
import type { Protocol, StepPlan } from "./protocol/protocol.ts";
import type { StepFeeds, Trainer } from "./trainer.ts";

/** What is trained. */
export type Job = {
  readonly trainer: Trainer;
  /** Weights that a pass begins with; slots begin at zero. */
  readonly firstWeights: Weights;
  readonly imagesPerStep: number;
  /** The highest learning rate; the protocol plans factors of it. */
  readonly learningRate: number;
  /** Feeds of a step: arithmetic on the plan, new arrays each time. */
  prepare(plan: StepPlan): StepFeeds;
  /** Score of the held-out samples, for protocols that want one. */
  score?(): Promise<number>;
};

export type LoopOptions = {
  readonly job: Job;
  readonly protocol: Protocol;
  readonly checkpoints: CheckpointStore;
  readonly checkpointEverySteps: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  progress(report: ProgressReport): void;
};

export type LoopResult = {
  readonly steps: number;
  readonly rows: readonly MetricsRow[];
  readonly state: LoopState;
};

type Prepared = { readonly plan: StepPlan; readonly feeds: StepFeeds };

/** Trains from the newest checkpoint, or from the start, to the end of the protocol. */
export async function trainLoop(options: LoopOptions): Promise<LoopResult> {
  const { job, protocol, signal } = options;
  const saver = createSaver(options);
  const report = createProgressMeter({
    clock: options.clock,
    imagesPerStep: job.imagesPerStep,
    report: (progress) => options.progress(progress),
  });
  const prepare = (step: number, state: LoopState): Prepared | null => {
    const plan = protocol.planStep(step, state.protocol);
    return plan && { plan, feeds: job.prepare(plan) };
  };

  let { done, state } = await resume(options);
  let next = prepare(done, state);
  while (next) {
    // --- one step; the next one's feeds meanwhile (B)
    const { plan, feeds } = next;
    if (plan.fresh && done > 0) {
      await resetWeights(job);
      state = { ...state, metrics: closeSpan(state.metrics, done) };
    }
    const rate = job.learningRate * plan.rateFactor;
    const running = job.trainer.train(feeds, { rate, step: plan.step });
    await yieldToEvents();
    const isScoreDue = protocol.isScoreDue(done + 1, state.protocol);
    const ahead = isScoreDue ? null : prepare(done + 1, state);
    const losses = await running;
    done += 1;
    checkFiniteLosses(losses, done); // C

    // --- what it means
    const steps = protocol.mostSteps(state.protocol);
    state = {
      ...state,
      metrics: recordStep(
        state.metrics,
        done,
        { ...losses, "learning-rate": rate },
        rowEverySteps(steps),
      ),
    };
    if (isScoreDue) state = await score(options, state, done);
    report(done, steps, losses["loss"] ?? Number.NaN);
    next = isScoreDue ? prepare(done, state) : ahead;

    // --- what survives
    if (signal.aborted) {
      await saver.save(done, state);
      await saver.settle();
      throw new StoppedError(`stopped after step ${done}, checkpoint saved`);
    }
    if (next && done % options.checkpointEverySteps === 0)
      await saver.save(done, state);
  }
  await saver.settle();
  await readFinite(job, done);
  const { rows } = closeSpan(state.metrics, done);
  return { steps: done, rows, state };
}

/** Weights, slots and state of the newest checkpoint, or those of the start. */
async function resume({
  job,
  protocol,
  checkpoints,
}: LoopOptions): Promise<{ done: number; state: LoopState }> {
  const newest = await checkpoints.newest();
  if (!newest)
    return {
      done: 0,
      state: { protocol: protocol.start, metrics: metricsStart },
    };
  const { step, weights, state } = fromCheckpoint(newest);
  await job.trainer.write(weights);
  return { done: step, state };
}

async function resetWeights({ trainer, firstWeights }: Job): Promise<void> {
  const zeroed = [...(await trainer.read())].map(
    ([name, { shape }]) =>
      [
        name,
        firstWeights.get(name) ?? {
          shape,
          values: new Float32Array(shape.reduce((n, side) => n * side, 1)),
        },
      ] as const,
  );
  await trainer.write(new Map(zeroed));
}

async function score(
  { job, protocol }: LoopOptions,
  state: LoopState,
  done: number,
): Promise<LoopState> {
  if (!job.score)
    throw new Error("the protocol wants scores and the job has none");
  const value = await job.score();
  return {
    protocol: protocol.afterScore(state.protocol, { done, score: value }),
    metrics: recordRow(state.metrics, {
      step: done,
      name: "validation-accuracy",
      value,
    }),
  };
}

/** The weights and slots as they are, fit to be kept (C). */
async function readFinite({ trainer }: Job, done: number): Promise<Weights> {
  const weights = await trainer.read();
  checkFiniteWeights(weights, done);
  return weights;
}

type Saver = {
  /** Copies the weights now and writes them behind the next steps (D). */
  save(done: number, state: LoopState): Promise<void>;
  /** Waits for the last write; throws if it failed. */
  settle(): Promise<void>;
};

function createSaver({ job, checkpoints }: LoopOptions): Saver {
  let writing: Promise<void> = Promise.resolve();
  return {
    async save(done, state) {
      await writing;
      const weights = await readFinite(job, done);
      writing = checkpoints.save(toCheckpoint(done, weights, state));
      // Whoever waits for `writing` next gets the failure; until then nobody does.
      writing.catch(() => undefined);
    },
    settle: () => writing,
  };
}
