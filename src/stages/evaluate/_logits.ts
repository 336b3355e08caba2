/** What a classifier says of every image of a dataset; of several views of an image, the mean of their logits. */
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import type { NetworkInput } from "../../data/pixels/color.ts";
import type { ImageSet } from "../../data/images/image-set.ts";
import type { Predictor } from "../../train/jobs/predictor.ts";
import { floatsOf } from "../../train/trainer.ts";
import { stopIfAborted } from "../_context.ts";
import type { StageContext } from "../stage.ts";

/** [images, classes], in the dataset's order. */
export async function predictLogits(
  context: Pick<StageContext, "signal" | "progress">,
  predictor: Predictor,
  given: {
    readonly images: ImageSet;
    readonly batch: number;
    readonly classes: number;
    readonly input: NetworkInput;
  },
): Promise<Float32Array> {
  const { images, batch, classes, input } = given;
  const { imageSize, size, views } = images;
  const toBatch = createGrayBatches({
    imageSize,
    batch,
    seed: 0,
    shift: 0,
    input,
  });
  const logits = new Float32Array(size * classes);
  let done = 0;
  for await (const some of images.measure({ batch })) {
    stopIfAborted(context);
    const outputs = await predictor.predict(toBatch(some).gray);
    const rows = floatsOf(outputs, "logits");
    for (let i = 0; i < some.counted; i++) {
      const start = (some.samples[i] as number) * classes;
      for (let k = 0; k < classes; k++)
        logits[start + k] =
          (logits[start + k] as number) +
          (rows[i * classes + k] as number) / views;
    }
    done += some.counted;
    context.progress({
      step: done,
      steps: size * views,
      detail: "images classified",
    });
  }
  return logits;
}
