/**
 * The evaluation task `segmentation`: a class for every pixel of whole images, padded and cut back (paper, sections 4.3 and 8,
 * A19), one confusion matrix over all of them. Padding is void, so it counts nowhere.
 */
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import type { ImageSet } from "../../data/images/image-set.ts";
import { colorClasses } from "../../data/pixels/class-colors.ts";
import type { NetworkInput } from "../../data/pixels/color.ts";
import { geometryOf } from "../../model/network.ts";
import { networkOf } from "../../model/networks.ts";
import { imagesAtOnce } from "../../train/jobs/gray-images.ts";
import type { Predictor } from "../../train/jobs/predictor.ts";
import {
  countPixelsInPlace,
  createConfusion,
  scoreSegmentation,
  type ConfusionMatrix,
} from "../../train/scores/confusion.ts";
import { createTask } from "../../train/tasks.ts";
import { inputOf, stopIfAborted } from "../_context.ts";
import { openStageImages, wholeImages } from "../_images.ts";
import { openModelFiles } from "../_model-files.ts";
import type { StageContext, StageOutput, StageResult } from "../stage.ts";
import { toGrayImage } from "./_color-scores.ts";
import { toCsv } from "../_csv.ts";
import { checkClasses, openFinetuned, readFinetuned } from "./_finetuned.ts";
import { copyImage, writePictures, type Picture } from "./_pictures.ts";

type Evaluate = StageContext<"evaluate">;

export async function evaluateSegmentation(
  context: Evaluate,
): Promise<StageResult> {
  const { params, store, output } = context;
  const files = openModelFiles(store, inputOf(context, "model").manifest);
  const model = await readFinetuned(files, "segmenter");
  const task = createTask(model.task);
  const layers = geometryOf(task.extend(networkOf(model.network)));
  const totalStride = Math.max(...layers.map(({ stride }) => stride));
  const crop = params.crop ?? (await wholeImages(context, totalStride));
  const images = await openStageImages(context, {
    ...params,
    crop,
    mirror: params.crop?.mirror ?? false,
    recipe: "measuring",
    withMasks: true,
  });
  checkClasses(model.classes, task.classesOf(images));
  const fitting = imagesAtOnce(images.imageSize, task.pixelsAtOnce);
  const batch = Math.min(params.batch, images.size, fitting);
  const predictor = await openFinetuned(context, files, {
    model,
    images,
    batch,
  });
  const confusion = createConfusion(model.classes.length);
  const pictures = await (async () => {
    try {
      return await segmentAll(context, predictor, {
        images,
        batch,
        confusion,
        input: model.input,
      });
    } finally {
      await predictor.close();
    }
  })();
  await writePictures(output, images, pictures);
  return {
    metrics: {
      ...(await writeScores(output, confusion, model.classes)),
      images: images.size,
    },
  };
}

/** Counts every pixel; the first `pictures` of the dataset are kept. */
async function segmentAll(
  context: Evaluate,
  predictor: Predictor,
  given: {
    readonly images: ImageSet;
    readonly batch: number;
    readonly confusion: ConfusionMatrix;
    readonly input: NetworkInput;
  },
): Promise<readonly Picture[]> {
  const { images, batch, confusion, input } = given;
  const { imageSize, size, views } = images;
  const pixels = imageSize.width * imageSize.height;
  const toBatch = createGrayBatches({
    imageSize,
    batch,
    seed: 0,
    shift: 0,
    input,
  });
  const pictures = new Map<number, Picture>();
  let done = 0;
  for await (const some of images.measure({ batch })) {
    stopIfAborted(context);
    const { classes } = await predictor.predict(toBatch(some).gray);
    for (let i = 0; i < some.counted; i++) {
      const own = <T extends { subarray(from: number, to: number): T }>(
        all: T,
      ) => all.subarray(i * pixels, (i + 1) * pixels);
      const truth = own(some.masks as Uint8Array);
      const predicted = own(classes?.data as Int32Array);
      countPixelsInPlace(confusion, truth, predicted);
      const sample = some.samples[i] as number;
      if (sample < context.params.pictures && !pictures.has(sample))
        pictures.set(sample, {
          sample,
          gray: toGrayImage(copyImage(some.pixels, i, imageSize)),
          predicted: colorClasses(predicted, imageSize),
          truth: colorClasses(truth, imageSize),
        });
    }
    done += some.counted;
    context.progress({
      step: done,
      steps: size * views,
      detail: "images segmented",
    });
  }
  return [...pictures.values()];
}

/** `confusion.csv`, `iou.json`, and the metrics: `miou` over the classes that occur, `iou/<class>` of each of them. */
async function writeScores(
  output: StageOutput,
  confusion: ConfusionMatrix,
  classes: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const { iou, miou, pixelAccuracy, pixels } = scoreSegmentation(confusion);
  const { counts } = confusion;
  await output.write(
    "confusion.csv",
    toCsv([
      ["true", ...classes],
      ...classes.map((name, row) => [
        name,
        ...counts.subarray(row * classes.length, (row + 1) * classes.length),
      ]),
    ]),
  );
  const named = classes.map((name, k) => ({ name, iou: iou[k] ?? null }));
  const occurring = named.filter((each) => each.iou !== null);
  await output.write(
    "iou.json",
    new TextEncoder().encode(
      `${JSON.stringify({ miou, pixelAccuracy, pixels, classes: named }, null, 2)}\n`,
    ),
  );
  return {
    miou,
    pixelAccuracy,
    pixels,
    classes: occurring.length,
    backgroundMiou: backgroundMiou(confusion),
    ...Object.fromEntries(
      occurring.map((each) => [`iou/${each.name}`, each.iou as number]),
    ),
  };
}

/** What a model that sees background everywhere would score on the same pixels (paper, section 9.3). */
function backgroundMiou({ classes, counts }: ConfusionMatrix): number {
  const blind = createConfusion(classes);
  for (let k = 0; k < classes; k++) {
    const row = counts.subarray(k * classes, (k + 1) * classes);
    blind.counts[k * classes] = row.reduce((sum, count) => sum + count, 0);
  }
  return scoreSegmentation(blind).miou;
}
