/** What the training stages need of their context: the engine, their inputs, the first images. */
import { StoppedError } from "../base/errors.ts";
import type { Dataset } from "../data/dataset.ts";
import { measuringBatches } from "../data/batches/gray-batches.ts";
import { commonSize } from "../data/pixels/image-size.ts";
import { openEngine, type Engine } from "../engine/engine.ts";
import type { GrayImages } from "../train/jobs/gray-images.ts";
import type { EngineOptions, InputArtifact, StageContext } from "./stage.ts";

/** Steps between checkpoints where the pipeline says nothing: at most some tens of seconds of work. */
export const CHECKPOINT_EVERY_STEPS = 250;

/** The native engine, with results that are the same bits from run to run. */
export function openStageEngine(options: EngineOptions): Engine {
  return openEngine({ ...options, deterministic: true });
}

/** The artifact of an input of arity `one`. */
export function inputOf(
  { inputs }: Pick<StageContext, "inputs">,
  name: string,
): InputArtifact {
  const [artifact, ...more] = inputs[name] ?? [];
  if (!artifact || more.length > 0)
    throw new Error(
      `input '${name}' has ${inputs[name]?.length ?? 0} artifacts, not one`,
    );
  return artifact;
}

/** The first `count` images of a dataset (or all, if it has fewer) as one batch. */
export function firstImages(dataset: Dataset, count: number): GrayImages {
  const samples = Int32Array.from(
    { length: Math.min(count, dataset.size) },
    (_, i) => i,
  );
  const { width, height } = commonSize(dataset, samples);
  const [batch] = measuringBatches({ dataset, samples, batch: samples.length });
  if (!batch) throw new Error("a dataset has at least one image");
  return { shape: [samples.length, height, width, 1], values: batch.gray };
}

/** The last batch is filled up with gray images whose outputs nobody reads. */
export function padded(values: Float32Array, length: number): Float32Array {
  if (values.length === length) return values;
  const full = new Float32Array(length);
  full.set(values);
  return full;
}

/** For stages that are done in seconds: nothing is saved, the next attempt begins again. */
export function stopIfAborted({ signal }: Pick<StageContext, "signal">): void {
  if (signal.aborted) throw new StoppedError("stopped between two batches");
}
