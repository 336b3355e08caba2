/** The evaluation task `classification`: every image of the dataset, largest logit wins. */
import { openDataset, type Dataset } from "../../data/dataset.ts";
import { measuringBatches } from "../../data/batches/gray-batches.ts";
import { commonSize } from "../../data/pixels/image-size.ts";
import { UserError } from "../../base/errors.ts";
import { encoderDeclarations } from "../../model/encoder-weights.ts";
import { classify, classifierDeclarations } from "../../model/heads.ts";
import { geometryOf, widthOf } from "../../model/network.ts";
import { networks } from "../../model/networks.ts";
import {
  meanCrossEntropy,
  predictedClasses,
} from "../../train/jobs/accuracy.ts";
import { imagesAtOnce } from "../../train/jobs/gray-images.ts";
import { floatsOf } from "../../train/trainer.ts";
import { createPredictor, type Predictor } from "../../train/jobs/predictor.ts";
import {
  inputOf,
  openStageEngine,
  padded,
  stopIfAborted,
} from "../_context.ts";
import {
  encodeConfusion,
  scoreClassification,
} from "./_classification-scores.ts";
import {
  CLASSIFIER_FILE,
  openModelFiles,
  readModelDescription,
  readWeights,
  type ModelFiles,
} from "../_model-files.ts";
import type { StageContext, StageResult } from "../stage.ts";

type Evaluate = StageContext<"evaluate">;

export async function evaluateClassification(
  context: Evaluate,
): Promise<StageResult> {
  const { params, store, output } = context;
  const files = openModelFiles(store, inputOf(context, "model").manifest);
  const dataset = await openDataset(store, inputOf(context, "data").manifest, {
    limit: params.limit,
    side: params.side,
  });
  const classes = await readClasses(files, dataset);
  const fitting = imagesAtOnce(commonSize(dataset));
  const batch = Math.min(params.batch, dataset.size, fitting);
  const predictor = await openClassifier(context, files, { dataset, batch });
  const { predicted, labels, loss } = await (async () => {
    try {
      return await predictAll(context, predictor, { dataset, batch });
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
      `${JSON.stringify({ classes, accuracy, loss, perClass, confusion, predicted: [...predicted] })}\n`,
    ),
  );
  return { metrics: { accuracy, loss, images: dataset.size } };
}

async function openClassifier(
  context: Evaluate,
  files: ModelFiles,
  { dataset, batch }: { readonly dataset: Dataset; readonly batch: number },
): Promise<Predictor> {
  const { network: name } = await readModelDescription(files);
  const network = networks[name];
  const { width, height } = commonSize(dataset);
  const inputs = widthOf(geometryOf(network));
  return createPredictor({
    engine: openStageEngine(context.engine),
    network,
    weights: await readWeights(files, CLASSIFIER_FILE, [
      ...encoderDeclarations(network),
      ...classifierDeclarations(inputs, dataset.classes.length),
    ]),
    shape: [batch, height, width, 1],
    outputs: (layers, parameters) => ({ logits: classify(layers, parameters) }),
  });
}

async function predictAll(
  context: Evaluate,
  predictor: Predictor,
  given: { readonly dataset: Dataset; readonly batch: number },
): Promise<{ predicted: Int32Array; labels: Int32Array; loss: number }> {
  const { dataset } = given;
  const classes = dataset.classes.length;
  const predicted = new Int32Array(dataset.size);
  const labels = new Int32Array(dataset.size);
  let done = 0;
  let losses = 0;
  for (const some of measuringBatches(given)) {
    stopIfAborted(context);
    const count = some.labels.length;
    const outputs = await predictor.predict(
      padded(some.gray, (some.gray.length / count) * given.batch),
    );
    const own = floatsOf(outputs, "logits").subarray(0, count * classes);
    predicted.set(predictedClasses(own, classes), done);
    labels.set(some.labels, done);
    losses += meanCrossEntropy(own, some.labels, classes) * count;
    done += count;
    context.progress({
      step: done,
      steps: dataset.size,
      detail: "images classified",
    });
  }
  return { predicted, labels, loss: losses / dataset.size };
}

/** The model's classes, which must be the dataset's, in the same order, each image labelled. */
async function readClasses(
  files: ModelFiles,
  dataset: Dataset,
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
