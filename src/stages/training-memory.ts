/**
 * What the trainings of a plan will need in memory: their declarations, for `model/step-memory.ts`. A stage that trains is
 * one entry of the table.
 */
import {
  movableDeclarations,
  normalizedUnits,
} from "../model/encoder-weights.ts";
import { geometryOf } from "../model/network.ts";
import { networkOf } from "../model/networks.ts";
import { objectives } from "../model/objectives.ts";
import {
  estimateMeasuringMemory,
  estimateTrainingMemory,
  type StepMemory,
} from "../model/step-memory.ts";
import { parameterCount } from "../model/weights.ts";
import type { Task } from "../plan/plan.ts";
import { imagesAtOnce } from "../train/jobs/gray-images.ts";
import { finetuneParams } from "../spec/params/params-downstream.ts";
import { pretrainParams } from "../spec/params/params-pretext.ts";
import { frozenConvolutions } from "../train/jobs/frozen-layers.ts";
import { createTask } from "../train/tasks.ts";
import { modelOfWeights, type Upstream } from "./_model-of-task.ts";

/** Null: the side of the images is that of the dataset, or the network that of a file, which a plan does not know. */
type Estimate = (task: Task, upstream: Upstream) => StepMemory | null;

/** The hue's weight and the names of classes change no shape but the classifier's, which is small beside the rest. */
const UNKNOWN = { hueWeight: 1, classes: [] };

const estimates: Readonly<Partial<Record<Task["kind"], Estimate>>> = {
  pretrain(task) {
    const params = pretrainParams.parse(task.params);
    const { model, objective, batch, crop, side, compute } = params;
    const pixels = crop?.side ?? side;
    if (pixels === undefined) return null;
    const network = networkOf(model);
    const settings = { ...objective, ...UNKNOWN } as never;
    const head = objectives[objective.kind].declarations(
      settings,
      geometryOf(network),
    );
    const encoder = movableDeclarations(network, "normalized");
    const atOnce = imagesAtOnce({ width: pixels, height: pixels });
    const training = estimateTrainingMemory({
      network,
      side: pixels,
      batch,
      compute,
      hypercolumn: objective.hypercolumn,
      weights: [...encoder, ...head],
    });
    // A network without batch norm has nothing to measure.
    if (normalizedUnits(network).length === 0) return training;
    return larger(
      training,
      estimateMeasuringMemory({
        network,
        side: pixels,
        images: Math.min(atOnce, params.statistics.images),
        weights: encoder,
      }),
    );
  },

  finetune(task, upstream) {
    const params = finetuneParams.parse(task.params);
    const { batch, crop, side, compute, batchNorm, trainFrom } = params;
    const pixels = crop?.side ?? side;
    const model = modelOfWeights(task, upstream);
    if (pixels === undefined || model === null) return null;
    const downstream = createTask(params.task);
    const encoder = networkOf(model);
    const network = downstream.extend(encoder);
    const head = downstream.declarations(
      geometryOf(network),
      UNKNOWN.classes.length,
    );
    const form = batchNormForms[batchNorm];
    return estimateTrainingMemory({
      network,
      side: pixels,
      batch,
      compute,
      hypercolumn: !("hypercolumn" in params.task) || params.task.hypercolumn,
      weights: [...movableDeclarations(network, form), ...head],
      isFolded: batchNorm === "fold",
      frozen: frozenConvolutions(encoder, trainFrom),
      given: parameterCount(movableDeclarations(encoder, form)),
    });
  },
};

/** How the encoder's weights stand in the step while batch norm is folded, or kept. */
const batchNormForms = { fold: "folded", keep: "normalized" } as const;

const larger = (a: StepMemory, b: StepMemory): StepMemory =>
  a.totalBytes >= b.totalBytes ? a : b;

type TaskMemory = {
  readonly task: string;
  readonly memory: StepMemory | null;
};

/** Of every task that trains a network, which its own parameters or those of a task before it name. */
export function trainingMemoryOf(tasks: readonly Task[]): TaskMemory[] {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const upstream = (task: Task, input: string) =>
    byName.get(task.inputs[input]?.[0] ?? "");
  return tasks.flatMap((task) => {
    const estimate = estimates[task.kind];
    return estimate
      ? [{ task: task.name, memory: estimate(task, upstream) }]
      : [];
  });
}
