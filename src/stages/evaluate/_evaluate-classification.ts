/** The evaluation task `classification`: every image of the dataset, largest logit wins. */
import type { ImageSet } from "../../data/images/image-set.ts";
import { UserError } from "../../base/errors.ts";
import {
  meanCrossEntropy,
  predictedClasses,
  topAccuracy,
} from "../../train/jobs/accuracy.ts";
import { imagesAtOnce } from "../../train/jobs/gray-images.ts";
import { inputOf } from "../_context.ts";
import { openStageImages } from "../_images.ts";
import { openModelFiles } from "../_model-files.ts";
import type { StageContext, StageResult } from "../stage.ts";
import {
  encodeConfusion,
  scoreClassification,
} from "./_classification-scores.ts";
import { readClassifier } from "./_classifiers.ts";
import { checkClasses } from "./_finetuned.ts";
import { predictLogits } from "./_logits.ts";

type Evaluate = StageContext<"evaluate">;

export async function evaluateClassification(
  context: Evaluate,
): Promise<StageResult> {
  const { params, store, output } = context;
  const files = openModelFiles(store, inputOf(context, "model").manifest);
  const { classes, input, open } = await readClassifier(context, files);
  const images = await openStageImages(context, {
    ...params,
    mirror: params.crop?.mirror ?? false,
    recipe: "measuring",
  });
  checkClasses(classes, images.classes);
  checkLabelled(images);
  const fitting = imagesAtOnce(images.imageSize);
  const batch = Math.min(params.batch, images.size, fitting);
  const predictor = await open(images, batch);
  const logits = await (async () => {
    try {
      return await predictLogits(context, predictor, {
        images,
        batch,
        classes: classes.length,
        input,
      });
    } finally {
      await predictor.close();
    }
  })();
  const labels = Int32Array.from({ length: images.size }, (_, i) =>
    images.label(i),
  );
  const predicted = predictedClasses(logits, classes.length);
  const loss = lossOf(logits, labels, { classes: classes.length, batch });
  const top5 = topAccuracy(logits, labels, 5);
  const scores = scoreClassification(labels, predicted, classes.length);
  const { accuracy, perClass, confusion } = scores;
  await output.write("confusion.csv", encodeConfusion(classes, scores));
  await output.write(
    "predictions.json",
    new TextEncoder().encode(
      `${JSON.stringify({ classes, accuracy, top5, loss, perClass, confusion, predicted: [...predicted] })}\n`,
    ),
  );
  return { metrics: { accuracy, top5, loss, images: images.size } };
}

/** The mean over the images, added up batch by batch. */
function lossOf(
  logits: Float32Array,
  labels: Int32Array,
  { classes, batch }: { readonly classes: number; readonly batch: number },
): number {
  let sum = 0;
  for (let start = 0; start < labels.length; start += batch) {
    const some = labels.subarray(start, start + batch);
    const rows = logits.subarray(start * classes, (start + batch) * classes);
    sum += meanCrossEntropy(rows, some, classes) * some.length;
  }
  return sum / labels.length;
}

function checkLabelled(dataset: ImageSet): void {
  const unlabelled = Array.from({ length: dataset.size }, (_, i) => i).find(
    (sample) => dataset.label(sample) < 0,
  );
  if (unlabelled === undefined) return;
  throw new UserError({
    code: "evaluate.no-label",
    message: `expected labelled images; ${dataset.sampleName(unlabelled)} has no label`,
    hint: "evaluate on a dataset whose images all have labels",
  });
}
