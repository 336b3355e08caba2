/**
 * Models that name one class of an image, by what `model.json` says they are: the classifier of a finetune stage, or what stood above
 * an encoder while it was pretrained on labels.
 */
import { UserError } from "../../base/errors.ts";
import type { NetworkInput } from "../../data/pixels/color.ts";
import type { ImageSet } from "../../data/images/image-set.ts";
import { geometryOf } from "../../model/network.ts";
import { networkOf } from "../../model/networks.ts";
import { objectives } from "../../model/objectives.ts";
import { createPredictor, type Predictor } from "../../train/jobs/predictor.ts";
import { openStageEngine } from "../_context.ts";
import {
  ENCODER_FILE,
  HEAD_FILE,
  readEncoderWeights,
  readModelDescription,
  readWeights,
  type ModelDescription,
  type ModelFiles,
} from "../_model-files.ts";
import type { StageContext } from "../stage.ts";
import { openFinetuned } from "./_finetuned.ts";

export type Classifier = {
  readonly classes: readonly string[];
  readonly input: NetworkInput;
  /** Compiled for batches of the dataset's images; its output is `logits`. */
  open(images: ImageSet, batch: number): Promise<Predictor>;
};

type Context = Pick<StageContext, "engine">;
type Kind = ModelDescription["kind"];
type Of<K extends Kind> = Extract<ModelDescription, { kind: K }>;

const kinds: {
  readonly [K in "classifier" | "pretext-classifier"]: (
    context: Context,
    files: ModelFiles,
    model: Of<K>,
  ) => Classifier;
} = {
  classifier: (context, files, model) => ({
    classes: model.classes,
    input: model.input,
    open: (images, batch) =>
      openFinetuned(context, files, { model, images, batch }),
  }),
  "pretext-classifier": (context, files, model) => ({
    classes: model.objective.classes,
    input: "gray",
    open: (images, batch) =>
      openPretext(context, files, { model, images, batch }),
  }),
};

/** The classifier of an artifact. @throws UserError `model.kind` where it is none. */
export async function readClassifier(
  context: Context,
  files: ModelFiles,
): Promise<Classifier> {
  const model = await readModelDescription(files);
  const toClassifier = Object.hasOwn(kinds, model.kind)
    ? (kinds[model.kind as keyof typeof kinds] as (
        own: Context,
        from: ModelFiles,
        what: ModelDescription,
      ) => Classifier)
    : null;
  if (toClassifier) return toClassifier(context, files, model);
  throw new UserError({
    code: "model.kind",
    message: `expected a classifier; found a model of kind '${model.kind}'`,
    hint: "take the model of a finetune stage, or of a pretrain stage with objective: classify, or evaluate with the task that the model was trained for",
  });
}

async function openPretext(
  context: Context,
  files: ModelFiles,
  given: {
    readonly model: Of<"pretext-classifier">;
    readonly images: ImageSet;
    readonly batch: number;
  },
): Promise<Predictor> {
  const { model, images, batch } = given;
  const { objective: settings } = model;
  const { width, height } = images.imageSize;
  const network = networkOf(model.network);
  const head = objectives.classify.declarations(settings, geometryOf(network));
  return createPredictor({
    engine: openStageEngine(context.engine),
    network,
    weights: new Map([
      ...(await readEncoderWeights(files, ENCODER_FILE, network)),
      ...(await readWeights(files, HEAD_FILE, head)),
    ]),
    shape: [batch, height, width, 1],
    outputs: (layers, parameters) =>
      objectives.classify.predict({
        settings,
        layers,
        parameters,
        size: [height, width],
      }),
  });
}
