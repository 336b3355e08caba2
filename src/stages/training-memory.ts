/**
 * What the trainings of a plan will need in memory: their declarations, for `model/step-memory.ts`. A stage that trains a new network
 * is one entry of the table.
 */
import { movableDeclarations } from "../model/encoder-weights.ts";
import { geometryOf } from "../model/network.ts";
import { networkOf } from "../model/networks.ts";
import { objectives } from "../model/objectives.ts";
import {
  estimateMeasuringMemory,
  estimateStepMemory,
  type StepMemory,
} from "../model/step-memory.ts";
import type { Task } from "../plan/plan.ts";
import { imagesAtOnce } from "../train/jobs/gray-images.ts";
import { pretrainParams } from "../spec/params/params-pretext.ts";

/** Null: the side of the images is that of the dataset, which a plan does not know. */
type Estimate = (task: Task) => StepMemory | null;

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
    return larger(
      estimateStepMemory({
        network,
        side: pixels,
        batch,
        compute,
        hypercolumn: objective.hypercolumn,
        weights: [...encoder, ...head],
      }),
      estimateMeasuringMemory({
        network,
        side: pixels,
        images: Math.min(atOnce, params.statistics.images),
        weights: encoder,
      }),
    );
  },
};

const larger = (a: StepMemory, b: StepMemory): StepMemory =>
  a.totalBytes >= b.totalBytes ? a : b;

type TaskMemory = {
  readonly task: string;
  readonly memory: StepMemory | null;
};

/** Of every task that trains a network which its own parameters name. */
export function trainingMemoryOf(tasks: readonly Task[]): TaskMemory[] {
  return tasks.flatMap((task) => {
    const estimate = estimates[task.kind];
    return estimate ? [{ task: task.name, memory: estimate(task) }] : [];
  });
}
