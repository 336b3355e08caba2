/** What the training stages need of their context: the engine, their inputs, the first images. */
import { StoppedError } from "../base/errors.ts";
import type { ImageSet } from "../data/images/image-set.ts";
import { writeGray } from "../data/pixels/color.ts";
import { openEngine, type Engine } from "../engine/engine.ts";
import { imagesAtOnce, type GrayImages } from "../train/jobs/gray-images.ts";
import type { EngineOptions, InputArtifact, StageContext } from "./stage.ts";

/** Where the pipeline says nothing: at most some tens of seconds of work. */
export const CHECKPOINT_EVERY = { steps: 250 } as const;

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

/** The first `count` images of a dataset (or all, if it has fewer), gray, as one batch. */
export async function firstImages(
  images: ImageSet,
  count: number,
): Promise<GrayImages> {
  const { width, height } = images.imageSize;
  const size = Math.min(count, images.size);
  const values = new Float32Array(size * width * height);
  const samples = Int32Array.from({ length: size }, (_, i) => i);
  const pixels = width * height;
  let at = 0;
  for await (const { pixels: some, counted } of images.measure({
    samples,
    batch: imagesAtOnce(images.imageSize),
  })) {
    const rows = Math.min(counted, size - at);
    writeGray(some.subarray(0, rows * pixels * 3), values, at * pixels);
    at += rows;
    if (at === size) break;
  }
  return { shape: [size, height, width, 1], values };
}

/** For stages that are done in seconds: nothing is saved, the next attempt begins again. */
export function stopIfAborted({ signal }: Pick<StageContext, "signal">): void {
  if (signal.aborted) throw new StoppedError("stopped between two batches");
}
