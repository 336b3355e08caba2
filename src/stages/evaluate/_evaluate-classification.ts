/** The evaluation task `classification`: every image of the dataset, largest logit wins. */
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import type { ImageSet } from "../../data/images/image-set.ts";
import { UserError } from "../../base/errors.ts";
import { classify, classifierDeclarations } from "../../model/heads.ts";
import { geometryOf, widthOf } from "../../model/network.ts";
import { networkOf } from "../../model/networks.ts";
import {
  meanCrossEntropy,
  predictedClasses,
  topAccuracy,
} from "../../train/jobs/accuracy.ts";
import { imagesAtOnce } from "../../train/jobs/gray-images.ts";
import { floatsOf } from "../../train/trainer.ts";
import { createPredictor, type Predictor } from "../../train/jobs/predictor.ts";
import { inputOf, openStageEngine, stopIfAborted } from "../_context.ts";
import { openStageImages } from "../_images.ts";
import {
  encodeConfusion,
  scoreClassification,
} from "./_classification-scores.ts";
import {
  CLASSIFIER_FILE,
  openModelFiles,
  readModelDescription,
  readEncoderWeights,
  type ModelFiles,
} from "../_model-files.ts";
import type { StageContext, StageResult } from "../stage.ts";

type Evaluate = StageContext<"evaluate">;

export async function evaluateClassification(
  context: Evaluate,
): Promise<StageResult> {
  const { params, store, output } = context;
  const files = openModelFiles(store, inputOf(context, "model").manifest);
  const images = await openStageImages(context, {
    ...params,
    mirror: params.crop?.mirror ?? false,
    recipe: "measuring",
  });
  const classes = await readClasses(files, images);
  const fitting = imagesAtOnce(images.imageSize);
  const batch = Math.min(params.batch, images.size, fitting);
  const predictor = await openClassifier(context, files, { images, batch });
  const { predicted, labels, loss, top5 } = await (async () => {
    try {
      return await predictAll(context, predictor, { images, batch });
    } finally {
      await predictor.close();
    }
  })();
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

async function openClassifier(
  context: Evaluate,
  files: ModelFiles,
  { images, batch }: { readonly images: ImageSet; readonly batch: number },
): Promise<Predictor> {
  const { network: name } = await readModelDescription(files);
  const network = networkOf(name);
  const { width, height } = images.imageSize;
  const inputs = widthOf(geometryOf(network));
  return createPredictor({
    engine: openStageEngine(context.engine),
    network,
    weights: await readEncoderWeights(
      files,
      CLASSIFIER_FILE,
      network,
      classifierDeclarations(inputs, images.classes.length),
    ),
    shape: [batch, height, width, 1],
    outputs: (layers, parameters) => ({ logits: classify(layers, parameters) }),
  });
}

type Predicted = {
  readonly predicted: Int32Array;
  readonly labels: Int32Array;
  readonly loss: number;
  /** Share of images whose class is among the five likeliest. */
  readonly top5: number;
};

/** What the model says of each image, in the dataset's order; of several views, the mean of their logits. */
async function predictAll(
  context: Evaluate,
  predictor: Predictor,
  given: { readonly images: ImageSet; readonly batch: number },
): Promise<Predicted> {
  const { images, batch } = given;
  const { imageSize, size, views } = images;
  const classes = images.classes.length;
  const toBatch = createGrayBatches({ imageSize, batch, seed: 0, shift: 0 });
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
  const labels = Int32Array.from({ length: size }, (_, i) => images.label(i));
  return {
    predicted: predictedClasses(logits, classes),
    labels,
    top5: topAccuracy(logits, labels, 5),
    loss: lossOf(logits, labels, { classes, batch }),
  };
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

/** The model's classes, which must be the dataset's, in the same order, each image labelled. */
async function readClasses(
  files: ModelFiles,
  dataset: ImageSet,
): Promise<readonly string[]> {
  const model = await readModelDescription(files);
  if (model.kind !== "classifier")
    throw new UserError({
      code: "model.kind",
      message: `expected a classifier; found a model of kind '${model.kind}'`,
      hint: "take the model of a finetune stage, or evaluate with task: colorization",
    });
  if (model.classes.join("\n") !== dataset.classes.join("\n"))
    throw new UserError({
      code: "evaluate.classes",
      message: `the model knows the classes ${list(model.classes)}; the dataset has ${list(dataset.classes)}`,
      hint: "evaluate on a dataset with the classes that the model was trained on",
    });
  const unlabelled = Array.from({ length: dataset.size }, (_, i) => i).find(
    (sample) => dataset.label(sample) < 0,
  );
  if (unlabelled !== undefined)
    throw new UserError({
      code: "evaluate.no-label",
      message: `expected labelled images; ${dataset.sampleName(unlabelled)} has no label`,
      hint: "evaluate on a dataset whose images all have labels",
    });
  return model.classes;
}

function list(classes: readonly string[]): string {
  const shown = classes.slice(0, 5).join(", ");
  return classes.length > 5
    ? `${shown}, … (${classes.length})`
    : shown || "(none)";
}
