/**
 * The stage `finetune`: trains for a downstream task, the task's head and the encoder under it, from given weights. Samples,
 * their order and their augmentation follow from the seed alone: arms of one seed differ in their first weights only.
 */
import { systemClock } from "../base/clock.ts";
import { UserError } from "../base/errors.ts";
import {
  GRAY_MEAN,
  networkInputs,
  type NetworkInput,
} from "../data/pixels/color.ts";
import type { ImageSet } from "../data/images/image-set.ts";
import type { Engine } from "../engine/engine.ts";
import type { BatchNormMode } from "../model/encoder.ts";
import { foldStatistics } from "../model/encoder-weights.ts";
import type { Network } from "../model/network.ts";
import type { Weights } from "../model/weights.ts";
import { STANDARD_SHIFT } from "../spec/params/params-downstream.ts";
import type { DownstreamTaskKind } from "../spec/params/params-tasks.ts";
import { createDownstreamJob } from "../train/jobs/downstream.ts";
import { trainLoop, type LoopResult } from "../train/loop.ts";
import { encodeMetrics } from "../train/metrics.ts";
import { createProtocol } from "../train/protocol/protocol.ts";
import type { DownstreamTask } from "../train/task.ts";
import { createTask } from "../train/tasks.ts";
import { CHECKPOINT_EVERY, inputOf, openStageEngine } from "./_context.ts";
import { openStageImages } from "./_images.ts";
import {
  encodeModelDescription,
  encodeWeights,
  FINETUNED_FILE,
  METRICS_FILE,
  MODEL_FILE,
  openModelFiles,
  readEncoder,
  type FinetunedDescription,
} from "./_model-files.ts";
import { measureOnFirst } from "./_statistics.ts";
import type { RunStage, StageContext } from "./stage.ts";

type Finetune = StageContext<"finetune">;

/** What `model.json` calls a model that was trained for a task. */
const modelKinds: Readonly<
  Record<DownstreamTaskKind, FinetunedDescription["kind"]>
> = {
  "few-label": "classifier",
  "multi-label": "multi-label-classifier",
  segmentation: "segmenter",
};

/** The best score on held-out samples, in the manifest. */
const scoreMetrics: Readonly<Record<DownstreamTask["score"], string>> = {
  accuracy: "validationAccuracy",
  top5: "validationTop5",
  map: "validationMap",
  miou: "validationMiou",
};

/** What the two ways to treat batch norm differ in (paper, section 2.5). */
type BatchNormPolicy = {
  readonly mode: Extract<BatchNormMode, "folded" | "batch">;
  before(network: Network, weights: Weights): Weights;
  after(weights: Weights, measure: () => Promise<Weights>): Promise<Weights>;
};

const batchNormPolicies: Readonly<
  Record<Finetune["params"]["batchNorm"], BatchNormPolicy>
> = {
  fold: {
    mode: "folded",
    before: foldStatistics,
    after: (weights) => Promise.resolve(weights),
  },
  keep: {
    mode: "batch",
    before: (_network, weights) => weights,
    after: (_weights, measure) => measure(),
  },
};

export const runFinetune: RunStage<"finetune"> = async (context) => {
  const { params, output, store } = context;
  const task = createTask(params.task);
  const images = await openStageImages(context, { ...params, ...task });
  const classes = task.classesOf(images);
  const { network, weights } = await readEncoder(
    openModelFiles(store, inputOf(context, "weights").manifest),
    params.weightsAt,
  );
  checkInput(network, params.input ?? "gray");
  const engine = openStageEngine(context.engine);
  const policy = batchNormPolicies[params.batchNorm];
  const encoder = policy.before(network, weights);
  const trained = await train(context, {
    engine,
    task,
    network,
    images,
    encoder,
  });
  const model = await policy.after(trained.weights, () =>
    measureOnFirst(images, params.statistics.images, {
      engine,
      network,
      weights: trained.weights,
    }),
  );
  const { rows, steps, state, loader } = trained.result;
  await output.write(FINETUNED_FILE, encodeWeights(model));
  await output.write(METRICS_FILE, encodeMetrics(rows));
  await output.write(
    MODEL_FILE,
    encodeModelDescription({
      kind: modelKinds[params.task.kind],
      version: 1,
      network: network.model,
      grayMean: GRAY_MEAN,
      dataset: images.id,
      classes: [...classes],
      input: params.input ?? "gray",
      task: params.task,
      // The kinds of models and the settings of tasks go together by the table.
    } as FinetunedDescription),
  );
  const last = rows.findLast(({ name }) => name === "loss");
  return {
    metrics: {
      steps,
      images: trained.images,
      ...(last ? { loss: last.value } : {}),
      ...(state.protocol.best === null
        ? {}
        : { [scoreMetrics[task.score]]: state.protocol.best }),
    },
    loader,
  };
};

async function train(
  context: Finetune,
  given: {
    readonly engine: Engine;
    readonly task: DownstreamTask;
    readonly network: Network;
    readonly images: ImageSet;
    readonly encoder: Weights;
  },
): Promise<{
  weights: Weights;
  images: number;
  result: Omit<LoopResult, "weights">;
}> {
  const { params, seed } = context;
  const { protocol } = params;
  const samples = given.task.samples(given.images, {
    labels: params.labels ?? "all",
    seed,
    holdOut: protocol.kind === "early-stop" ? protocol.validation : null,
  });
  const { learningRate } = params.optimizer;
  const job = await createDownstreamJob({
    ...given,
    batchNorm: batchNormPolicies[params.batchNorm].mode,
    samples,
    seed,
    batch: params.batch,
    trainFrom: params.trainFrom,
    input: params.input ?? "gray",
    mirror: params.mirror,
    compute: params.compute,
    // A crop moves the image already; plans of an earlier program may have both.
    shift: params.crop ? 0 : (params.shift ?? STANDARD_SHIFT),
    optimizer: {
      ...params.optimizer,
      headLearningRate: params.optimizer.headLearningRate ?? learningRate,
    },
  });
  try {
    const { weights, ...result } = await trainLoop({
      job,
      protocol: createProtocol(params.protocol),
      checkpoints: context.checkpoints,
      checkpointEvery: context.checkpointEvery ?? CHECKPOINT_EVERY,
      signal: context.signal,
      clock: systemClock,
      progress: (report) => context.progress(report),
    });
    return {
      weights: job.weightsOf(weights),
      images: samples.all.length,
      result,
    };
  } finally {
    await job.close();
  }
}

/** @throws UserError `finetune.input` where colours are for a network of one channel. */
function checkInput(network: Network, input: NetworkInput): void {
  const { channels } = networkInputs[input];
  if (channels === 1 || channels === network.inputChannels) return;
  throw new UserError({
    code: "finetune.input",
    message: `expected a network for colours, of ${channels} channels; the weights are of one that reads ${network.inputChannels}`,
    hint: "pretrain or initialize a network with `input: rgb`, such as model: { network: conv6, input: rgb }; gray goes into each of its channels",
  });
}
