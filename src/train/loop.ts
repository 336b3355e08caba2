/**
 * The training loop: takes the steps that a protocol plans, records, saves, stops and resumes. It knows no model and no
 * data: a `Job` gives it feeds and losses.
 *
 * A A step is decided by its number: feeds, rate and random numbers follow from it, so that a resumed run continues to the same
 *   bits as one that was never stopped (docs/design.md, invariant H).
 * B The feeds of step k are prepared while step k − 1 computes.
 * C Losses and weights that are not finite stop the run before they can reach a checkpoint or an artifact.
 * D A checkpoint costs the run one copy of the weights; it is written while training goes on (`saver.ts`).
 * E Told to stop, the run finishes its step, saves, and throws `StoppedError`.
 */
import { setImmediate as yieldToEvents } from "node:timers/promises";
import type { Clock } from "../base/clock.ts";
import { StoppedError } from "../base/errors.ts";
import type { Weights } from "../model/weights.ts";
import type { LoaderReport } from "../data/loader/loader.ts";
import type { OrderState } from "../data/order/order-state.ts";
import type { Cadence } from "../spec/pipeline-spec.ts";
import type { CheckpointStore } from "../store/checkpoints/checkpoints.ts";
import { fromCheckpoint, type LoopState } from "./checkpoint.ts";
import { checkFiniteLosses, checkFiniteWeights } from "./finite.ts";
import {
  createLoaderMeter,
  type LoaderMeter,
  type LoaderUse,
} from "./loader-meter.ts";
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
import { createSaver } from "./saver.ts";
import type { StepFeeds, Trainer } from "./trainer.ts";

/** What is trained. */
export type Job = {
  readonly trainer: Trainer;
  /** Weights that a pass begins with; slots begin at zero. */
  readonly firstWeights: Weights;
  readonly imagesPerStep: number;
  /** The highest learning rate; the protocol plans factors of it. */
  readonly learningRate: number;
  /** Feeds of a step, which follow from the plan; valid until the second call after it. */
  prepare(plan: StepPlan): Promise<StepFeeds>;
  /** Score of the held-out samples, for protocols that want one. */
  readonly score?: {
    /** What it is called, e.g. `accuracy`. */
    readonly name: string;
    measure(): Promise<number>;
  };
  /** Where the time of what reads images went since the last report; null: nothing reads while training. */
  loaderReport?(): LoaderReport | null;
  /** What decides, besides its number, which images a step sees: kept in checkpoints. */
  imagesState?(plan: StepPlan): OrderState | null;
  /** @throws UserError `data.order-changed` when a step would see other images than the saved state says. */
  checkImages?(saved: OrderState, plan: StepPlan): Promise<void>;
  /** Frees the trainer and ends whatever reads images. */
  close(): Promise<void>;
};

export type LoopOptions = {
  readonly job: Job;
  readonly protocol: Protocol;
  readonly checkpoints: CheckpointStore;
  readonly checkpointEvery: Cadence;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  progress(report: ProgressReport): void;
};

export type LoopResult = {
  readonly steps: number;
  readonly rows: readonly MetricsRow[];
  readonly state: LoopState;
  /** The last ones, and the slots. */
  readonly weights: Weights;
  /** Of this attempt; null: everything was in memory. */
  readonly loader: LoaderUse | null;
};

type Prepared = { readonly plan: StepPlan; readonly feeds: StepFeeds };

/** Trains from the newest checkpoint, or from the start, to the end of the protocol. */
export async function trainLoop(options: LoopOptions): Promise<LoopResult> {
  const { job, protocol, signal } = options;
  const saver = createSaver({
    trainer: job.trainer,
    checkpoints: options.checkpoints,
    every: options.checkpointEvery,
    clock: options.clock,
  });
  const loader = openLoaderMeter(options);
  const report = createProgressMeter({
    clock: options.clock,
    imagesPerStep: job.imagesPerStep,
    report: (progress) =>
      options.progress({ ...progress, loader: loader?.take() ?? null }),
  });
  const prepare = async (
    step: number,
    state: LoopState,
  ): Promise<Prepared | null> => {
    const plan = protocol.planStep(step, state.protocol);
    return plan && { plan, feeds: await job.prepare(plan) };
  };

  let { done, state } = await resume(options);
  let next = await prepare(done, state);
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
    // It is awaited below; until then its failure must not count as one that nobody handles.
    ahead?.catch(() => undefined);
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

    // --- what survives
    const following = protocol.planStep(done, state.protocol);
    const images = following && (job.imagesState?.(following) ?? null);
    const saved = { ...state, images };
    if (following && !signal.aborted) await saver.afterStep(done, saved);
    const coming = unlessStopped(ahead ?? prepare(done, state), signal);
    next = await (loader ? loader.wait(coming) : coming);
    if (signal.aborted) {
      await saver.saveNow(done, saved);
      throw new StoppedError(`stopped after step ${done}, checkpoint saved`);
    }
  }
  await saver.settle();
  const weights = await job.trainer.read();
  checkFiniteWeights(weights, done); // C: they become an artifact
  const { rows } = closeSpan(state.metrics, done);
  loader?.take();
  return { steps: done, rows, state, weights, loader: loader?.sum() ?? null };
}

/** Null once the run is told to stop: images that do not come must not keep it from saving what it has (E). */
async function unlessStopped<T>(
  coming: Promise<T>,
  signal: AbortSignal,
): Promise<T | null> {
  coming.catch(() => undefined);
  const { promise: stopped, resolve } = Promise.withResolvers<null>();
  const stop = () => {
    resolve(null);
  };
  signal.addEventListener("abort", stop);
  try {
    return signal.aborted ? null : await Promise.race([coming, stopped]);
  } catch (thrown) {
    if (signal.aborted) return null;
    throw thrown;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function openLoaderMeter({ job, clock }: LoopOptions): LoaderMeter | null {
  if (!job.loaderReport) return null;
  return createLoaderMeter(clock, () => job.loaderReport?.() ?? null);
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
  const plan = protocol.planStep(step, state.protocol);
  if (plan && state.images) await job.checkImages?.(state.images, plan);
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
  const value = await job.score.measure();
  return {
    protocol: protocol.afterScore(state.protocol, { done, score: value }),
    metrics: recordRow(state.metrics, {
      step: done,
      name: `validation-${job.score.name}`,
      value,
    }),
  };
}
