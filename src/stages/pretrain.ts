/**
 * The stage `pretrain`: trains an encoder on a proxy task or on labels, measures its batch-norm statistics on unlabeled images,
 * and keeps encoder, head and learning curve.
 */
import { systemClock } from "../base/clock.ts";
import { GRAY_MEAN } from "../data/pixels/color.ts";
import type { ImageSet } from "../data/images/image-set.ts";
import type { Engine } from "../engine/engine.ts";
import { networkOf } from "../model/networks.ts";
import { objectives, type ObjectiveSettings } from "../model/objectives.ts";
import type {
  ObjectiveKind,
  ObjectiveParams,
} from "../spec/params/params-pretext.ts";
import { trainLoop, type LoopResult } from "../train/loop.ts";
import { encodeMetrics } from "../train/metrics.ts";
import { createPretextJob, type PretextJob } from "../train/jobs/pretext.ts";
import {
  pretextFeeds,
  type PretextFeeds,
} from "../train/jobs/pretext-feeds.ts";
import { createProtocol } from "../train/protocol/protocol.ts";
import type { Weights } from "../model/weights.ts";
import { CHECKPOINT_EVERY, openStageEngine } from "./_context.ts";
import { openStageImages } from "./_images.ts";
import {
  encodeModelDescription,
  encodeWeights,
  ENCODER_FILE,
  HEAD_FILE,
  METRICS_FILE,
  MODEL_FILE,
  type ModelDescription,
} from "./_model-files.ts";
import { applyLabels } from "./_labels.ts";
import { readStart } from "./_start.ts";
import { planPublishing, writePublished } from "./_published.ts";
import { measureOnFirst } from "./_statistics.ts";
import type { RunStage, StageContext, StageResult } from "./stage.ts";

/** What `model.json` says of a model by the objective that it was trained on. */
const descriptions: {
  readonly [K in ObjectiveKind]: (
    objective: ObjectiveSettings[K],
  ) => Pick<PretextModel, "kind" | "objective">;
} = {
  colorize: (objective) => ({ kind: "colorizer", objective }),
  classify: ({ classes, ...objective }) => ({
    kind: "pretext-classifier",
    objective: { ...objective, classes: [...classes] },
  }),
};
type PretextModel = Extract<ModelDescription, { objective: unknown }>;

export const runPretrain: RunStage<"pretrain"> = (context) =>
  pretrain(context, context.params.objective.kind, context.params.objective);

async function pretrain<K extends ObjectiveKind>(
  context: StageContext<"pretrain">,
  kind: K,
  declared: ObjectiveParams<K>,
): Promise<StageResult> {
  const { params, output } = context;
  const { images, samples: labelled } = await applyLabels(
    context,
    await openStageImages(context, { ...params, recipe: "pretraining" }),
  );
  const feeds: PretextFeeds<K> = pretextFeeds[kind];
  const settings = feeds.resolve(declared, images);
  const samples = feeds.samples(images) ?? labelled;
  const start = await readStart(context, (layers) =>
    objectives[kind].declarations(settings, layers),
  );
  const engine = openStageEngine(context.engine);
  const toEncoder = async (weights: Weights) =>
    params.statistics.running
      ? weights
      : await measureOnFirst(images, params.statistics.images, {
          engine,
          network: networkOf(params.model),
          weights,
        });
  const trained = await train(context, {
    engine,
    images,
    samples,
    kind,
    settings,
    start,
  });
  const encoder = await toEncoder(trained.encoder);
  await writePublished(output, {
    checkpoints: context.checkpoints,
    publish: params.publish ?? [],
    toEncoder: (weights) => toEncoder(trained.encoderOf(weights)),
  });
  const { rows, steps, loader } = trained.result;
  await output.write(ENCODER_FILE, encodeWeights(encoder));
  await output.write(HEAD_FILE, encodeWeights(trained.head));
  await output.write(METRICS_FILE, encodeMetrics(rows));
  await output.write(
    MODEL_FILE,
    encodeModelDescription({
      ...descriptions[kind](settings),
      version: 1,
      network: params.model,
      grayMean: GRAY_MEAN,
      dataset: images.id,
    } as PretextModel),
  );
  const last = rows.findLast(({ name }) => name === "loss");
  return { metrics: { steps, ...(last ? { loss: last.value } : {}) }, loader };
}

async function train<K extends ObjectiveKind>(
  context: StageContext<"pretrain">,
  given: {
    readonly engine: Engine;
    readonly images: ImageSet;
    readonly samples: Int32Array | null;
    readonly kind: K;
    readonly settings: ObjectiveSettings[K];
    readonly start: Weights | undefined;
  },
): Promise<
  Pick<PretextJob, "encoderOf"> & {
    readonly encoder: Weights;
    readonly head: Weights;
    readonly result: Omit<LoopResult, "weights">;
  }
> {
  const { params, seed } = context;
  const steps = stepsOf(params, given.samples?.length ?? given.images.size);
  planPublishing(context.checkpoints, params.publish ?? [], steps);
  const job = await createPretextJob({
    ...given,
    network: networkOf(params.model),
    seed,
    batch: params.batch,
    mirror: params.mirror,
    running: params.statistics.running,
    optimizer: params.optimizer,
    compute: params.compute,
  });
  try {
    const { weights, ...result } = await trainLoop({
      job,
      protocol: createProtocol({
        kind: "fixed",
        steps,
        schedule: params.optimizer.schedule,
      }),
      checkpoints: context.checkpoints,
      checkpointEvery: context.checkpointEvery ?? CHECKPOINT_EVERY,
      signal: context.signal,
      clock: systemClock,
      progress: (report) => context.progress(report),
    });
    const { encoderOf, headOf } = job;
    const [encoder, head] = [encoderOf(weights), headOf(weights)];
    return { encoder, head, encoderOf, result };
  } finally {
    await job.close();
  }
}

/** The loop counts in steps alone; passes over the images that are learned from are converted here. */
function stepsOf(
  { steps, epochs, batch }: StageContext<"pretrain">["params"],
  images: number,
): number {
  const passes = ((epochs ?? 0) * images) / batch;
  return steps ?? Math.max(1, Math.round(passes));
}
